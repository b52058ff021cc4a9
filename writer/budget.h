/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the lists of pages may get. Kernel B has its home and nothing else, and the restore
 * payload's lists go into the home as well; but how scattered a machine's free pages and its pages
 * of zeros are, nobody knows beforehand. So there is a limit to the runs that are left out of the
 * image: where there are more, the short ones are saved like data. They compress to next to
 * nothing, and every machine can be saved.
 */
#ifndef WRITER_BUDGET_H
#define WRITER_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"
#include "image/format.h"

/* What decides; sizes in bytes. */
struct budget {
	uint64_t available; /* that this program can get */
	unsigned workers;   /* threads, */
	int level;	    /* and how each one compresses */
	bool sealed;	    /* the list of places is in memory as well */
	const struct runs *ram, *home;
	const struct image_machine *machine; /* where the payload will lie */
};

/* Bytes of lists for each chunk and each run that is left out, at the worst moment of a save. */
#define BUDGET_CHUNK 152
#define BUDGET_RUN   48
/* For each chunk of a sealed image: its place, in a list that grows by doubling. */
#define BUDGET_PLACE 32

/*
 * Runs of free, zero and untouchable pages that the image may have, all together. ENOMEM when
 * there is not even memory for a list of chunks, ENOSPC when the home has no room for that.
 */
int budget_runs(const struct budget *budget, size_t *ret, struct error *err);

/*
 * While zero pages are looked for: runs of fewer pages than this are taken for data now. Of MAX
 * runs (0 = any number) USED are in the lists, and SLICES slices are left. Until half of them are
 * used up every page counts; then the rest is dealt out evenly.
 */
uint64_t budget_shortest(size_t max, size_t used, uint64_t slices);

#endif
