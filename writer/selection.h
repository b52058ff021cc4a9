/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which frames are saved, and in what portions the workers take them.
 */
#ifndef WRITER_SELECTION_H
#define WRITER_SELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"
#include "writer/job.h"

/* All lists are sorted and merged. free, untouchable and home are disjoint parts of ram. */
struct selection {
	struct runs ram;
	struct runs home;
	struct runs free;
	struct runs untouchable;
	struct runs mappable; /* ram without home: the home is B's own RAM and cannot be mapped */
	struct runs save;     /* mappable without free and untouchable */
};

/* Takes job->free over. Returns 0 or a negative errno value; selection_free() in either case. */
int selection_make(const struct save_job *job, struct selection *selection, struct error *err);
void selection_free(struct selection *selection);

/* Frames [pfn, end) of one mappable range; FIRST is the first run of selection->save in them. */
struct slice {
	uint64_t pfn, end;
	size_t first;
};

/*
 * At most this many frames: small enough to share the work evenly, and for what is read of a core
 * file to stay in the second cache until it is compressed.
 */
#define SLICE_FRAMES 256

/* Where the next slice begins. Zero-initialise; calls are serialised by the caller. */
struct slice_cursor {
	size_t range;  /* of selection->mappable */
	uint64_t done; /* frames of that range */
	size_t run;    /* of selection->save */
};

/* The next slice that holds frames to save; false at the end. */
bool selection_next(const struct selection *selection, struct slice_cursor *cursor,
		    struct slice *ret);

/* How many there are. */
uint64_t selection_slices(const struct selection *selection);

#endif
