/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of RAM that nobody may read or write: those with memory errors, and a balloon's. */
#ifndef KJUMP_CHECK_UNTOUCHABLE_H
#define KJUMP_CHECK_UNTOUCHABLE_H

#include <stdint.h>

#include "common/error.h"

struct untouchable {
	uint64_t poisoned; /* pages with memory errors, as the kernel counts them */
	uint64_t offline;  /* pages that a balloon driver gave away */
	uint64_t huge;	   /* address of a huge page with a memory error, 0 = none */
};

/*
 * Count them. Pages are only looked at when there are memory errors or there is a driver of a
 * balloon. ROOT is "" or what stands in front of all paths.
 *
 * Of a huge page (hugetlbfs) only the first struct page has the mark, and which of its pages has
 * the error is nowhere to be read: it can be neither saved nor left out.
 */
int untouchable_count(const char *root, struct untouchable *ret, struct error *err);

#endif
