/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a base the new image can use. */
#include "writer/delta.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A base in smaller chunks than these would make lists for which there may be no memory. What a
 * save writes has 256 pages in each, of which half are in use, but for the last one of each worker.
 */
#define CHUNK_PAGES 64
#define MORE_CHUNKS 1024

/* --- choosing --- */

static int open_base(struct delta *delta, const struct save_job *job, struct image_writer *writer,
		     struct error *err)
{
	const struct runs *ram = &delta->selection->ram;
	int r;

	if (job->full)
		return error_set(err, EAGAIN, "it was asked for");
	r = image_base_open(writer, &job->wish, &delta->base, err);
	if (r)
		return r;
	delta->chunks = runs_total(&delta->selection->save) / CHUNK_PAGES + MORE_CHUNKS;
	delta->frames = ram->v[ram->n - 1].pfn + ram->v[ram->n - 1].count;
	/* Of the pages that this takes most are never touched where RAM has large holes. */
	delta->seen = calloc(delta->frames / 64 + 1, sizeof(*delta->seen));
	if (!delta->seen) {
		image_base_free(delta->base);
		delta->base = NULL;
		return error_set(err, ENOMEM, "no memory to compare it with another one");
	}
	return 0;
}

void delta_begin(struct delta *delta, const struct save_job *job, const struct selection *selection,
		 struct image_writer *writer)
{
	struct error err = { 0 };

	*delta = (struct delta){ .selection = selection };
	pthread_mutex_init(&delta->lock, NULL);
	if (open_base(delta, job, writer, &err))
		delta_stop(delta, &err);
}

void delta_end(struct delta *delta)
{
	image_base_free(delta->base);
	free(delta->seen);
	pthread_mutex_destroy(&delta->lock);
	delta->base = NULL;
	delta->seen = NULL;
}

static void stop(struct delta *delta, const struct error *err)
{
	if (!delta->ended || !delta->reason[0])
		snprintf(delta->reason, sizeof(delta->reason), "%.159s", err->text);
	delta->ended = true;
}

void delta_stop(struct delta *delta, const struct error *err)
{
	pthread_mutex_lock(&delta->lock);
	stop(delta, err);
	pthread_mutex_unlock(&delta->lock);
}

/* --- frames --- */

static bool is_seen(const struct delta *delta, uint64_t pfn)
{
	return delta->seen[pfn / 64] >> pfn % 64 & 1;
}

uint64_t delta_unseen(const struct delta *delta, uint64_t *pfn, uint64_t end)
{
	uint64_t to;

	if (!delta->seen)
		return end - *pfn;
	while (*pfn < end && is_seen(delta, *pfn))
		++*pfn;
	for (to = *pfn; to < end && !is_seen(delta, to); to++)
		;
	return to - *pfn;
}

/* The first run that ends behind PFN. */
static size_t find_run(const struct runs *runs, uint64_t pfn)
{
	size_t low = 0, high = runs->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct run *run = &runs->v[middle];

		if (run->pfn + run->count <= pfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What of one run of the base is to be saved now. */
static void cut_run(const struct runs *save, const struct run *run, uint32_t page,
		    struct delta_chunk *chunk)
{
	uint64_t end = run->pfn + run->count;

	for (size_t i = find_run(save, run->pfn); i < save->n && save->v[i].pfn < end; i++) {
		uint64_t from = save->v[i].pfn, to = from + save->v[i].count;

		from = from > run->pfn ? from : run->pfn;
		to = to < end ? to : end;
		chunk->pieces[chunk->piece_count++] =
			(struct delta_piece){ from, (uint32_t)(to - from),
					      page + (uint32_t)(from - run->pfn) };
		chunk->pages += (uint32_t)(to - from);
	}
}

/*
 * Each frame comes up once, in one chunk or in several, or what the base says cannot be true: false
 * then. *COUNT pages of the chunk are marked.
 */
static bool mark_seen(struct delta *delta, const struct delta_chunk *chunk, uint32_t *count)
{
	*count = 0;
	for (uint32_t i = 0; i < chunk->piece_count; i++)
		for (uint32_t k = 0; k < chunk->pieces[i].count; k++, ++*count) {
			uint64_t pfn = chunk->pieces[i].pfn + k;

			if (is_seen(delta, pfn))
				return false;
			delta->seen[pfn / 64] |= UINT64_C(1) << pfn % 64;
		}
	return true;
}

/* Its first COUNT pages: nobody deals with them but the slices. */
static void unmark(struct delta *delta, const struct delta_chunk *chunk, uint32_t count)
{
	for (uint32_t i = 0; count; i++)
		for (uint32_t k = 0; k < chunk->pieces[i].count && count; k++, count--) {
			uint64_t pfn = chunk->pieces[i].pfn + k;

			delta->seen[pfn / 64] &= ~(UINT64_C(1) << pfn % 64);
		}
}

/* 1, or 0 behind the last one. */
static int take_chunk(struct delta *delta, struct delta_chunk *ret, struct error *err)
{
	uint32_t page = 0, marked;
	int r = image_base_next(delta->base, &ret->base, err);

	if (r <= 0)
		return r;
	if (!delta->chunks--)
		return error_set(err, EAGAIN, "the image before has more chunks than are of use");
	ret->piece_count = ret->pages = 0;
	for (uint32_t i = 0; i < ret->base.chunk.run_count; i++) {
		cut_run(&delta->selection->save, &ret->base.runs[i], page, ret);
		page += (uint32_t)ret->base.runs[i].count;
	}
	if (mark_seen(delta, ret, &marked))
		return 1;
	unmark(delta, ret, marked);
	return error_set(err, EUCLEAN, "index damaged: a frame twice");
}

static int by_frame(const void *a, const void *b)
{
	const struct delta_chunk *const *x = a, *const *y = b;
	uint64_t left = (*x)->pieces[0].pfn, right = (*y)->pieces[0].pfn;

	return left < right ? -1 : left > right;
}

bool delta_next(struct delta *delta, struct delta_batch *ret)
{
	struct error err = { 0 };

	pthread_mutex_lock(&delta->lock);
	ret->count = 0;
	while (!delta->ended && ret->count < DELTA_BATCH) {
		struct delta_chunk *chunk = &ret->chunks[ret->count];
		int r = take_chunk(delta, chunk, &err);

		if (r < 0)
			stop(delta, &err);
		if (r <= 0)
			delta->ended = true;
		else if (chunk->piece_count)
			ret->count++;
	}
	pthread_mutex_unlock(&delta->lock);
	for (unsigned i = 0; i < ret->count; i++)
		ret->sorted[i] = &ret->chunks[i];
	qsort(ret->sorted, ret->count, sizeof(ret->sorted[0]), by_frame);
	return ret->count;
}
