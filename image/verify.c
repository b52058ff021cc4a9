/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checking every byte of an image: what the reader checks, and that nothing lies in between. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/internal.h"

#define STEP 1048576

/* Both copies must be whole, the same, and what the caller read. */
static int verify_supers(const struct disk *disk, const struct image_super *super,
			 struct error *err)
{
	struct image_super copy;

	for (int i = 0; i < 2; i++) {
		int code = super_read_copy(disk, i, &copy, err);

		if (code)
			return code;
		if (memcmp(&copy, super, sizeof(copy)))
			return error_set(err, EUCLEAN, "superblock copy %d: older than the other",
					 i);
	}
	return 0;
}

static int verify_zeros(const struct disk *disk, uint64_t offset, uint64_t size, struct error *err)
{
	void *bytes = disk_buffer(STEP);
	int code = 0;

	if (!bytes)
		return error_set(err, ENOMEM, "no memory");
	while (size && !code) {
		size_t step = size < STEP ? size : STEP;

		code = disk_read(disk, bytes, step, offset, err);
		if (!code && !safe_is_zero(bytes, step))
			code = error_set(err, EUCLEAN, "padding at %llu is not zero",
					 (unsigned long long)offset);
		offset += step;
		size -= step;
	}
	free(bytes);
	return code;
}

/* One piece of the stretch; DISTANCE from its start. */
struct piece {
	uint64_t distance, size;
};

static int compare(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return (x->distance > y->distance) - (x->distance < y->distance);
}

/*
 * Chunks and index must follow one another without overlap; only where the ring wraps may there
 * be a gap, up to the end of the ring, and that one is zero.
 */
static int verify_pieces(const struct disk *disk, const struct image_super *super,
			 const struct piece *pieces, size_t count, struct error *err)
{
	uint64_t wrap = ring_end(super) - super->start;
	uint64_t end = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t gap = pieces[i].distance - end;

		if (pieces[i].distance < end || (gap && pieces[i].distance != wrap))
			return error_set(err, EUCLEAN, "chunks overlap or leave a gap at %llu",
					 (unsigned long long)end);
		if (gap) {
			int code = verify_zeros(disk, super->start + end, gap, err);

			if (code)
				return code;
		}
		end += gap + pieces[i].size;
	}
	return end == super->length ? 0 : error_set(err, EUCLEAN, "bytes behind the index");
}

static int verify_layout(const struct disk *disk, const struct image_super *super,
			 const struct image_index *index, struct error *err)
{
	size_t count = index->chunk_count + 1;
	struct piece *pieces = calloc(count, sizeof(*pieces));
	int code;

	if (!pieces)
		return error_set(err, ENOMEM, "no memory");
	for (size_t i = 0; i < index->chunk_count; i++) {
		const struct image_chunk *chunk = &index->chunks[i];

		pieces[i].distance = ring_distance(super, chunk->offset);
		pieces[i].size = safe_round_up(chunk->stored, IMAGE_BLOCK);
	}
	pieces[count - 1].distance = ring_distance(super, super->index);
	pieces[count - 1].size = super->index_size;
	qsort(pieces, count, sizeof(*pieces), compare);
	code = verify_pieces(disk, super, pieces, count, err);
	free(pieces);
	return code;
}

/* The reader has checked all there is to check. */
static int ignore_pages(void *context, size_t number, const struct image_chunk *chunk,
			const struct run *runs, const void *pages, struct error *err)
{
	(void)context, (void)number, (void)chunk, (void)runs, (void)pages, (void)err;
	return 0;
}

int image_verify(const struct disk *disk, const struct image_super *super, unsigned workers,
		 const struct image_sink *sink, struct error *err)
{
	static const struct image_sink ignore = { .take = ignore_pages };
	struct image_index index = { .chunk_count = 0 };
	int code = verify_supers(disk, super, err);

	if (code || super->state == IMAGE_EMPTY)
		return code;
	code = image_index_read(disk, super, &index, err);
	if (code)
		return code;
	code = verify_layout(disk, super, &index, err);
	if (!code)
		code = image_read_chunks(disk, &index, workers, sink ? sink : &ignore, err);
	image_index_free(&index);
	return code;
}
