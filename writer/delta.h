/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a base the new image can use: the base's chunks one after the other, each with those of
 * its frames that are to be saved now, and which frames have been dealt with that way.
 */
#ifndef WRITER_DELTA_H
#define WRITER_DELTA_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"
#include "writer/job.h"
#include "writer/selection.h"

/* Shared by all workers. */
struct delta {
	struct image_base *base; /* NULL: nothing is reused */
	const struct selection *selection;
	pthread_mutex_t lock; /* for what follows */
	uint64_t *seen;	      /* a bit for each frame that a chunk brought up */
	uint64_t frames;      /* from 0 on */
	uint64_t chunks;      /* that the base may have still */
	bool ended;
	char reason[160]; /* why not all pages were compared with a base; "" = they were */
};

/* COUNT frames from PFN on; the base's chunk has them from its page PAGE on, of those in use. */
struct delta_piece {
	uint64_t pfn;
	uint32_t count, page;
};

struct delta_chunk {
	struct image_base_chunk base;
	struct delta_piece pieces[IMAGE_CHUNK_PAGES];
	uint32_t piece_count, pages; /* of all pieces together */
};

/*
 * What a worker takes at a time, by frames: each window on memory that it gives back for the next
 * one costs an interrupt on every CPU that works, and whoever made the base had several workers
 * too, so that neighbours are not next to each other there.
 */
#define DELTA_BATCH 32

struct delta_batch {
	struct delta_chunk chunks[DELTA_BATCH];
	const struct delta_chunk *sorted[DELTA_BATCH];
	unsigned count;
};

/*
 * Choose the base as JOB wishes. Where there is none, and where it turns out not to be whole, all
 * pages are written, and delta->reason says why. delta_end() in any case.
 */
void delta_begin(struct delta *delta, const struct save_job *job, const struct selection *selection,
		 struct image_writer *writer);
void delta_end(struct delta *delta);

/* The next chunks that have frames to be saved; false: there are none any more. Thread-safe. */
bool delta_next(struct delta *delta, struct delta_batch *ret);

/* No more chunks: the base cannot be used any more, because of ERR. Thread-safe. */
void delta_stop(struct delta *delta, const struct error *err);

/*
 * The first frames of [*PFN, END) that no chunk has brought up: *PFN and how many, or 0. To be
 * called only when delta_next() has returned false.
 */
uint64_t delta_unseen(const struct delta *delta, uint64_t *pfn, uint64_t end);

#endif
