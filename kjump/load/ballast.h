/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is held while kernel B is loaded. The kernel's kexec code takes one page after the
 * other from its allocator for the home's content, and each one that lies in the home's own place
 * costs it a search through all others. So as much memory as the home takes is allocated first,
 * which makes frames that nobody else uses; the home is placed there, and they stay allocated
 * until it is loaded.
 */
#ifndef KJUMP_LOAD_BALLAST_H
#define KJUMP_LOAD_BALLAST_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Zero-initialise; ballast_drop() ends it. */
struct ballast {
	unsigned char *bytes;
	size_t size;
};

/*
 * Take as much as a home of SIZE bytes needs, or as much as there is free memory for besides what
 * loading it takes (MEMINFO is a path); that may be nothing.
 */
void ballast_take(struct ballast *ballast, const char *meminfo, uint64_t size);

/* Give back what does not lie in the SIZE bytes from START (physical). */
void ballast_trim(struct ballast *ballast, const char *pagemap, uint64_t start, uint64_t size);

void ballast_drop(struct ballast *ballast);

#endif
