/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checking every byte of an image: what the reader checks, its digests, and that nothing lies over
 * anything else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/pagehash.h"
#include "image/internal.h"

/* Both copies must be whole, the same, and what the caller read. */
static int verify_supers(const struct disk *disk, const struct image_super *super,
			 struct error *err)
{
	struct image_head head, other;
	struct image_super copy;

	table_get_head(super, &head);
	for (int i = 0; i < 2; i++) {
		int code = super_read_copy(disk, i, &copy, err);

		if (code)
			return code;
		table_get_head(&copy, &other);
		if (memcmp(&other, &head, sizeof(head)) ||
		    memcmp(copy.table, super->table, sizeof(copy.table)))
			return error_set(err, EUCLEAN, "superblock copy %d: older than the other",
					 i);
	}
	return 0;
}

/* --- nothing lies over anything else --- */

static int compare(const void *a, const void *b)
{
	const struct image_extent *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int verify_layout(const struct image_super *super, const struct image_index *index,
			 struct error *err)
{
	size_t count = 0;
	struct image_extent *pieces = calloc(
		index->chunk_count + index->digests_count + IMAGE_INDEX_EXTENTS, sizeof(*pieces));
	int code = 0;

	if (!pieces)
		return error_set(err, ENOMEM, "no memory");
	for (size_t i = 0; i < index->chunk_count; i++)
		pieces[count++] = (struct image_extent){ index->chunks[i].offset,
							 chunk_size(&index->chunks[i]) };
	for (size_t i = 0; i < index->digests_count; i++)
		pieces[count++] = (struct image_extent){ index->digests[i].offset,
							 digests_size(&index->digests[i]) };
	for (int i = 0; i < IMAGE_INDEX_EXTENTS && super->index[i].size; i++)
		pieces[count++] = super->index[i];
	qsort(pieces, count, sizeof(*pieces), compare);
	for (size_t i = 1; i < count && !code; i++)
		if (pieces[i - 1].offset + pieces[i - 1].size > pieces[i].offset)
			code = error_set(err, EUCLEAN, "chunks overlap at %llu",
					 (unsigned long long)pieces[i].offset);
	free(pieces);
	return code;
}

/* --- the digests, which nobody needs to read the image --- */

static int verify_piece(const struct disk *disk, const struct image_digests *digests, void *bytes,
			struct error *err)
{
	size_t used = (size_t)digests->count * sizeof(uint64_t), padded = digests_size(digests);
	int code = disk_read(disk, bytes, padded, digests->offset, err);

	if (code)
		return code;
	if (bytes_hash(bytes, used) != digests->hash)
		return error_set(err, EUCLEAN, "checksum mismatch");
	if (!safe_is_zero((char *)bytes + used, padded - used))
		return error_set(err, EUCLEAN, "padding is not zero");
	return 0;
}

static int verify_digests(const struct disk *disk, const struct image_index *index,
			  struct error *err)
{
	void *bytes = disk_buffer(IMAGE_DIGESTS * sizeof(uint64_t));
	int code = 0;

	if (!bytes)
		return error_set(err, ENOMEM, "no memory");
	for (size_t i = 0; i < index->digests_count && !code; i++) {
		code = verify_piece(disk, &index->digests[i], bytes, err);
		if (code)
			error_prefix(err, "digests %zu", i);
	}
	free(bytes);
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
	code = verify_layout(super, &index, err);
	if (!code)
		code = verify_digests(disk, &index, err);
	if (!code)
		code = image_read_chunks(disk, &index, workers, sink ? sink : &ignore, err);
	image_index_free(&index);
	return code;
}
