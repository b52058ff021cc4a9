/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of runs of page frames: how kjump names sets of pages everywhere (RAM, home, zero pages,
 * the frames of a chunk), so that a list grows with fragmentation and not with the machine.
 */
#ifndef COMMON_RUNS_H
#define COMMON_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"

/* Owned by whoever declared it; zero-initialise before use, runs_free() after it. */
struct runs {
	struct run *v;
	size_t n;
	size_t capacity;
};

void runs_free(struct runs *runs);

/*
 * Append COUNT frames from PFN; merged into the last run when it ends at PFN. A count of 0 adds
 * nothing. Returns 0, -ENOMEM, or -EOVERFLOW when pfn + count exceeds 2^52.
 */
int runs_add(struct runs *runs, uint64_t pfn, uint64_t count);

/* The same, but never merged: lists whose runs have a meaning of their own. */
int runs_append(struct runs *runs, uint64_t pfn, uint64_t count);

/* Append all of OTHER, as runs_add() does. Returns 0 or a negative errno value. */
int runs_add_all(struct runs *runs, const struct runs *other);

/* Sort by PFN and merge what touches or overlaps. */
void runs_sort(struct runs *runs);

/* Sum of the counts; UINT64_MAX when it does not fit. */
uint64_t runs_total(const struct runs *runs);

/* The functions below want their inputs sorted and merged, as runs_sort() leaves them. */

/* Is the list ascending, without overlaps, empty runs or runs beyond 2^52? */
bool runs_valid(const struct runs *runs);

/* Append to RET what is in A and not in B, or in both. Returns 0 or a negative errno value. */
int runs_subtract(const struct runs *a, const struct runs *b, struct runs *ret);
int runs_intersect(const struct runs *a, const struct runs *b, struct runs *ret);

/* Is the frame in the list? O(log n). */
bool runs_contain(const struct runs *runs, uint64_t pfn);

#endif
