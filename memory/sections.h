/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of a sparse memory map (include/linux/mmzone.h: struct mem_section). */
#ifndef MEMORY_SECTIONS_H
#define MEMORY_SECTIONS_H

#include "common/error.h"
#include "common/runs.h"
#include "memory/virtual.h"

struct sections {
	struct runs present; /* frames that have a struct page, in whole sections, sorted */
	uint64_t vmemmap;    /* virtual address of the struct page of frame 0 */
};

/*
 * Read all sections. Fails with EINVAL when they disagree with each other or with
 * SYMBOL(vmemmap) about the start of the memory map. ret->present is the caller's to free.
 */
int sections_read(struct virtual_memory *v, struct sections *ret, struct error *err);

#endif
