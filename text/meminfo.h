/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/meminfo. */
#ifndef TEXT_MEMINFO_H
#define TEXT_MEMINFO_H

#include <stdint.h>

#include "common/error.h"

/* Bytes. */
struct meminfo {
	uint64_t total;
	uint64_t free;	    /* holds nothing */
	uint64_t available; /* free, or the kernel's estimate of what it can drop */
	uint64_t cma_free;  /* the part of both that only movable pages may use; 0 = none */
	uint64_t poisoned;  /* holds memory errors; 0 = none */
};

/* Of AMOUNT, which is free or available, what the kernel can have for itself (kexec, a snapshot).
 */
static inline uint64_t meminfo_unmovable(const struct meminfo *memory, uint64_t amount)
{
	return amount > memory->cma_free ? amount - memory->cma_free : 0;
}

/* Read the file at PATH; EINVAL when a field is missing that all kernels have. */
int meminfo_read(const char *path, struct meminfo *ret, struct error *err);

#endif
