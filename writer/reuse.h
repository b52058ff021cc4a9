/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One worker's part in building on a base: the pages of a chunk that are what they were stay where
 * they are, all others go the way of every page.
 */
#ifndef WRITER_REUSE_H
#define WRITER_REUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "memory/memory.h"
#include "writer/delta.h"
#include "writer/packer.h"

struct reuse {
	struct delta *delta;	     /* not owned, as the next three */
	struct image_writer *writer; /* of the new image */
	struct packer *packer;
	struct memory *memory;
	struct delta_batch *batch;
	const struct delta_chunk *chunk; /* the one that is dealt with now, */
	unsigned at;			 /* and its place in the batch */
	struct run stretch;		 /* frames that one window may have, found last */
	bool same[IMAGE_CHUNK_PAGES];	 /* pages that stay, of those that the base uses */
	bool whole_only; /* memory is short: no more chunks of which a part is used */
	uint64_t pages;	 /* that were looked at so far, */
	uint64_t reused; /* and that stayed */
	size_t runs;	 /* that the lists have more for it */
};

/* Returns 0 or -ENOMEM; reuse_free() in either case. */
int reuse_init(struct reuse *reuse, struct error *err);
void reuse_free(struct reuse *reuse);

/* Deal with the next chunk of the base: 1, 0 when there is none, or an error of the save. */
int reuse_next(struct reuse *reuse, struct memory_window *window, struct error *err);

#endif
