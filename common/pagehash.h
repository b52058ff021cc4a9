/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checksum of page content: XXH64, page by page, each page's hash seeding the next one's. So
 * it does not depend on how the pages are cut into runs, and the restore payload, which has no
 * libc and no SSE registers, computes it as fast as memory allows.
 */
#ifndef COMMON_PAGEHASH_H
#define COMMON_PAGEHASH_H

#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/abi.h"

/* Go on from HASH (0 for the first page) with COUNT pages at PAGES. */
static inline uint64_t page_hash(uint64_t hash, const void *pages, uint64_t count)
{
	const unsigned char *page = pages;

	for (; count; count--, page += FRAME_SIZE)
		hash = XXH64(page, FRAME_SIZE, hash);
	return hash;
}

/* Hash of SIZE bytes at once. */
static inline uint64_t bytes_hash(const void *bytes, size_t size)
{
	return XXH64(bytes, size, 0);
}

#endif
