/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which frames are saved, and in what portions the workers take them.
 */
#ifndef WRITER_PLAN_H
#define WRITER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"
#include "writer/save.h"

/* All lists are sorted and merged. free, untouchable and home are disjoint parts of ram. */
struct save_plan {
	struct runs ram;
	struct runs home;
	struct runs free;
	struct runs untouchable;
	struct runs mappable; /* ram without home: the home is B's own RAM and cannot be mapped */
	struct runs save;     /* mappable without free and untouchable */
};

/* Returns 0 or a negative errno value; save_plan_free() in either case. */
int save_plan_make(const struct save_job *job, struct save_plan *plan, struct error *err);
void save_plan_free(struct save_plan *plan);

/* Frames [pfn, end) of one mappable range; FIRST is the first run of plan->save in them. */
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
	size_t range;  /* of plan->mappable */
	uint64_t done; /* frames of that range */
	size_t run;    /* of plan->save */
};

/* The next slice that holds frames to save; false at the end. */
bool save_plan_next(const struct save_plan *plan, struct slice_cursor *cursor, struct slice *ret);

#endif
