/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the pages of an image go before kernel C is left: into the very frame they belong in when
 * this process owns it, otherwise into a staging frame from which the payload copies them. Works
 * on lists of frames alone; no page is read, no privilege is needed.
 */
#ifndef RESTORE_PLAN_H
#define RESTORE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"
#include "common/error.h"
#include "common/runs.h"
#include "image/format.h"
#include "image/image.h"

/* The lists of the payload. Zero-initialise; plan_free() ends it. */
struct plan {
	struct payload_chunk *chunks;
	size_t chunk_count;
	struct payload_run *runs;
	size_t run_count, run_capacity;
	struct payload_clear *clears;
	size_t clear_count;
	uint64_t in_place, copied; /* pages */
};

void plan_free(struct plan *plan);

/*
 * A frame of A's home in which the payload's helpers may start, which they do below 1 MiB; 0 when
 * there is none. A swaps its content away. The lowest and the highest memory there is left to
 * firmware that believes them to be its own.
 */
uint64_t plan_wake_pfn(const struct image_index *index);

/*
 * Frames that may stage pages, sorted: A's zero, free and home frames, without those of SEGMENT
 * (the payload lies there), of the mailbox (the payload writes there) and of plan_wake_pfn(). The
 * payload maps them all, and clears none of them before it has copied everything.
 */
int plan_spare(const struct image_index *index, struct run segment, struct runs *ret,
	       struct error *err);

/* How many frames of the run are in LIST (sorted). */
uint64_t plan_covered(const struct runs *list, struct run run);

/*
 * How many data frames cannot be placed with the frames OWN (any order, no frame twice): those
 * of DATA (sorted) that are neither owned nor find an owned frame in SPARE. Every further frame
 * of DATA or SPARE that is owned makes it less by one.
 */
uint64_t plan_missing(const struct runs *data, const struct runs *spare, const struct runs *own);

/*
 * Make the lists. OWN is sorted and merged, SPARE from plan_spare(). ENOMEM when the owned frames
 * do not suffice. *RET was zero-initialised or used before.
 */
int plan_make(const struct image_index *index, const struct runs *own, const struct runs *spare,
	      struct plan *ret, struct error *err);

#endif
