/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of runs that is never longer than it may be: where there are more runs than that, it keeps
 * the long ones. For pages that may be left out, but need not be.
 */
#ifndef COMMON_LONG_RUNS_H
#define COMMON_LONG_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "common/runs.h"

/* Zero-initialise and set LIMIT; runs_free() of the list ends it. */
struct long_runs {
	struct runs list;  /* sorted and merged */
	size_t limit;	   /* runs; at least 8, or 0 = no limit */
	uint64_t shortest; /* frames: runs below this are not taken any more */
};

/*
 * Add COUNT frames from PFN, which must not be below the end of the last run. Returns 0, -ENOMEM,
 * or -EOVERFLOW as runs_add().
 */
int long_runs_add(struct long_runs *runs, uint64_t pfn, uint64_t count);

/* No more will be added. */
void long_runs_end(struct long_runs *runs);

#endif
