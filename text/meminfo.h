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
};

/* Read the file at PATH; EINVAL when a field is missing. */
int meminfo_read(const char *path, struct meminfo *ret, struct error *err);

#endif
