/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One worker's part in building on a base. */
#include "writer/reuse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/pagehash.h"

/* Mapping so many frames that nobody wants costs less than another window. */
#define GAP_FRAMES 64

int reuse_init(struct reuse *reuse, struct error *err)
{
	if (!reuse->delta->base)
		return 0;
	reuse->batch = malloc(sizeof(*reuse->batch));
	if (!reuse->batch)
		return error_set(err, ENOMEM, "out of memory for chunks of the base");
	reuse->batch->count = reuse->at = 0;
	return 0;
}

void reuse_free(struct reuse *reuse)
{
	free(reuse->batch);
	reuse->batch = NULL;
	reuse->chunk = NULL;
}

/* --- memory --- */

/* The end of the RAM range that the frames from PFN on, which end at END, lie in. */
static uint64_t range_end(const struct reuse *reuse, uint64_t pfn, uint64_t end)
{
	const struct runs *ram = &reuse->delta->selection->mappable;

	for (size_t i = 0; i < ram->n; i++) {
		uint64_t range = ram->v[i].pfn + ram->v[i].count;

		if (pfn >= ram->v[i].pfn && pfn < range)
			return range < end ? end : range;
	}
	return end;
}

/* Where what follows in the batch is no longer near, or no RAM of the same range. */
static uint64_t stretch_end(const struct reuse *reuse, const struct delta_piece *piece)
{
	const struct delta_batch *batch = reuse->batch;
	uint64_t end = piece->pfn + piece->count, range = range_end(reuse, piece->pfn, end);

	/* PIECE may be a part of one of the chunk's. */
	for (unsigned at = reuse->at; at < batch->count; at++) {
		const struct delta_chunk *chunk = batch->sorted[at];

		for (uint32_t i = 0; i < chunk->piece_count; i++) {
			const struct delta_piece *next = &chunk->pieces[i];
			uint64_t to = next->pfn + next->count;

			if (to <= end)
				continue;
			if (next->pfn > end + GAP_FRAMES || to > range)
				return end;
			end = to;
		}
	}
	return end;
}

/*
 * How far a window may reach. All pieces of a stretch have the same end, which is looked for once:
 * in memory whose pieces are small there are thousands of them.
 */
static uint64_t find_limit(struct reuse *reuse, const struct delta_piece *piece)
{
	struct run *stretch = &reuse->stretch;
	uint64_t end = piece->pfn + piece->count;

	if (piece->pfn < stretch->pfn || end > stretch->pfn + stretch->count)
		*stretch = (struct run){ piece->pfn, stretch_end(reuse, piece) - piece->pfn };
	return stretch->pfn + stretch->count;
}

static int map_piece(struct reuse *reuse, const struct delta_piece *piece,
		     struct memory_window *window, const void **bytes, struct error *err)
{
	return memory_map(reuse->memory, window, piece->pfn, piece->count, find_limit(reuse, piece),
			  bytes, err);
}

/* --- what stays --- */

/* Compare all pages; *KEPT is how many are what they were. */
static int compare(struct reuse *reuse, struct memory_window *window, uint32_t *kept,
		   struct error *err)
{
	const struct delta_chunk *chunk = reuse->chunk;
	uint64_t digests[IMAGE_CHUNK_PAGES];

	*kept = 0;
	memset(reuse->same, 0, sizeof(reuse->same));
	for (uint32_t i = 0; i < chunk->piece_count; i++) {
		const struct delta_piece *piece = &chunk->pieces[i];
		const void *bytes;
		int r = map_piece(reuse, piece, window, &bytes, err);

		if (r)
			return r;
		image_base_digest(reuse->delta->base, bytes, piece->count, digests);
		for (uint32_t k = 0; k < piece->count; k++) {
			uint32_t page = piece->page + k;

			reuse->same[page] = digests[k] == chunk->base.digests[page];
			*kept += reuse->same[page];
		}
	}
	return 0;
}

/* At least half of a chunk must be of use, or the images become long to read. */
static bool is_worth_it(const struct reuse *reuse, uint32_t kept)
{
	const struct image_chunk *chunk = &reuse->chunk->base.chunk;

	if (!kept || 2 * kept < chunk->all_pages)
		return false;
	return kept == chunk->all_pages || !reuse->whole_only;
}

/* The hash of the pages that stay, in order. */
static int hash_kept(struct reuse *reuse, struct memory_window *window, uint64_t *hash,
		     struct error *err)
{
	*hash = 0;
	for (uint32_t i = 0; i < reuse->chunk->piece_count; i++) {
		const struct delta_piece *piece = &reuse->chunk->pieces[i];
		const unsigned char *page;
		const void *bytes;
		int r = map_piece(reuse, piece, window, &bytes, err);

		if (r)
			return r;
		page = bytes;
		for (uint32_t k = 0; k < piece->count; k++, page += FRAME_SIZE)
			if (reuse->same[piece->page + k])
				*hash = page_hash(*hash, page, 1);
	}
	return 0;
}

/* Of the bits that the base has set, those of the pages that stay. */
static void pick_used(const struct reuse *reuse, struct image_chunk *chunk)
{
	uint32_t page = 0;

	for (uint32_t i = 0; i < chunk->all_pages; i++) {
		uint64_t bit = UINT64_C(1) << i % 64;

		if (!(chunk->used[i / 64] & bit))
			continue;
		if (!reuse->same[page++])
			chunk->used[i / 64] &= ~bit;
	}
}

/* Frames and digests of the pages that stay; returns how many runs they are. */
static uint32_t list_kept(const struct reuse *reuse, struct run *runs, uint64_t *digests)
{
	const struct delta_chunk *chunk = reuse->chunk;
	uint32_t count = 0, pages = 0;

	for (uint32_t i = 0; i < chunk->piece_count; i++)
		for (uint32_t k = 0; k < chunk->pieces[i].count; k++) {
			uint64_t pfn = chunk->pieces[i].pfn + k;
			uint32_t page = chunk->pieces[i].page + k;

			if (!reuse->same[page])
				continue;
			digests[pages++] = chunk->base.digests[page];
			if (count && runs[count - 1].pfn + runs[count - 1].count == pfn)
				runs[count - 1].count++;
			else
				runs[count++] = (struct run){ pfn, 1 };
		}
	return count;
}

static int keep(struct reuse *reuse, struct memory_window *window, uint32_t kept, struct error *err)
{
	struct image_chunk chunk = reuse->chunk->base.chunk;
	uint64_t digests[IMAGE_CHUNK_PAGES];
	struct run runs[IMAGE_CHUNK_PAGES];
	int r = 0;

	/* Of a chunk that stays as it is, the hash does too. */
	if (kept != chunk.pages)
		r = hash_kept(reuse, window, &chunk.page_hash, err);
	if (r)
		return r;
	pick_used(reuse, &chunk);
	chunk.pages = kept;
	chunk.run_count = list_kept(reuse, runs, digests);
	r = image_writer_keep(reuse->writer, &chunk, runs, digests, err);
	if (!r) {
		reuse->reused += kept;
		/* A chunk's record is as long as several runs. */
		reuse->runs += kept < chunk.all_pages ? chunk.run_count + 3 : 0;
	}
	return r;
}

/* --- what does not --- */

static int pack_others(struct reuse *reuse, struct memory_window *window, struct error *err)
{
	for (uint32_t i = 0; i < reuse->chunk->piece_count; i++) {
		const struct delta_piece *piece = &reuse->chunk->pieces[i];
		const bool *same = &reuse->same[piece->page];

		for (uint32_t k = 0, n; k < piece->count; k += n) {
			const struct delta_piece part = { piece->pfn + k, 0, 0 };
			struct delta_piece others = part;
			const void *bytes;
			int r;

			for (n = 1; k + n < piece->count && same[k + n] == same[k]; n++)
				;
			if (same[k])
				continue;
			others.count = n;
			r = map_piece(reuse, &others, window, &bytes, err);
			if (!r)
				r = packer_pages(reuse->packer, others.pfn, n, bytes, err);
			if (r)
				return r;
		}
	}
	return 0;
}

/* On to the next chunk; false: there is none. */
static bool next_chunk(struct reuse *reuse)
{
	struct delta_batch *batch = reuse->batch;

	if (!reuse->delta->base)
		return false;
	if (++reuse->at >= batch->count) {
		reuse->at = 0;
		if (!delta_next(reuse->delta, batch))
			return false;
	}
	reuse->chunk = batch->sorted[reuse->at];
	return true;
}

int reuse_next(struct reuse *reuse, struct memory_window *window, struct error *err)
{
	uint32_t kept;
	int r;

	if (!next_chunk(reuse))
		return 0;
	r = compare(reuse, window, &kept, err);
	if (!r && is_worth_it(reuse, kept)) {
		r = keep(reuse, window, kept, err);
		if (r == -ESTALE) {
			delta_stop(reuse->delta, err);
			kept = 0;
			r = 0;
		}
	} else {
		kept = 0;
	}
	if (!r && !kept)
		memset(reuse->same, 0, sizeof(reuse->same));
	if (!r && kept < reuse->chunk->pages)
		r = pack_others(reuse, window, err);
	reuse->pages += reuse->chunk->pages;
	return r ? r : 1;
}
