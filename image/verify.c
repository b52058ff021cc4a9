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

/*
 * Both copies must be whole, the same, and what the caller read. ESTALE when one is whole but
 * older: a power cut leaves that, and the next write makes both the same.
 */
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
			return error_set(err, ESTALE, "superblock copy %d: older than the other",
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

/* What the envelope says of places is what the index says. */
static int verify_envelope(const struct disk *disk, const struct image_super *super,
			   const struct image_index *index, struct error *err)
{
	struct runs said = { 0 }, used = { 0 };
	struct image_entry entry;
	struct image_head head;
	int code;

	table_get_head(super, &head);
	table_get_entry(super, &entry);
	code = envelope_read(disk, &head, &entry, &index->key, NULL, &said, err);
	if (!code && index_places(index, &used))
		code = error_set(err, ENOMEM, "no memory");
	if (!code && (said.n != used.n || memcmp(said.v, used.v, used.n * sizeof(*used.v))))
		code = error_set(err, EUCLEAN, "envelope and index disagree on places");
	runs_free(&said);
	runs_free(&used);
	return code;
}

/* --- the digests, which nobody needs to read the image --- */

static int verify_digests(const struct disk *disk, const struct image_index *index,
			  struct error *err)
{
	void *bytes = disk_buffer(IMAGE_DIGESTS * sizeof(uint64_t));
	struct aead *aead = aead_create();
	int code = bytes && aead ? 0 : error_set(err, ENOMEM, "no memory");

	for (size_t i = 0; i < index->digests_count && !code; i++) {
		code = index_read_digests(disk, &index->digests[i], index_key(index, 0), aead,
					  bytes, err);
		if (code)
			error_prefix(err, "digests %zu", i);
	}
	aead_free(aead);
	free(bytes);
	return code;
}

/* --- without a key --- */

/* Every byte is there, whatever it says. */
static int read_places(const struct disk *disk, const struct runs *places, struct error *err)
{
	const size_t most = IMAGE_CHUNK_PAGES * FRAME_SIZE;
	void *bytes = disk_buffer(most);
	int code = bytes ? 0 : error_set(err, ENOMEM, "no memory");

	for (size_t i = 0; i < places->n && !code; i++) {
		uint64_t at = places->v[i].pfn * IMAGE_BLOCK;
		uint64_t end = at + places->v[i].count * IMAGE_BLOCK;

		while (at < end && !code) {
			uint64_t step = end - at < most ? end - at : most;

			code = disk_read(disk, bytes, step, at, err);
			at += step;
		}
	}
	free(bytes);
	return code;
}

/* The index lies on no chunk, and all that the image names can be read. */
static int verify_sealed(const struct disk *disk, const struct image_super *super,
			 struct error *err)
{
	struct runs places = { 0 }, index = { 0 }, both = { 0 };
	struct image_entry entry;
	struct image_head head;
	int code;

	table_get_head(super, &head);
	table_get_entry(super, &entry);
	code = envelope_read(disk, &head, &entry, NULL, NULL, &places, err);
	for (int i = 0; i < IMAGE_INDEX_EXTENTS && !code; i++)
		if (runs_add(&index, entry.index[i].offset / IMAGE_BLOCK,
			     entry.index[i].size / IMAGE_BLOCK))
			code = error_set(err, ENOMEM, "no memory");
	runs_sort(&index);
	if (!code && runs_intersect(&places, &index, &both))
		code = error_set(err, ENOMEM, "no memory");
	if (!code && both.n)
		code = error_set(err, EUCLEAN, "chunks lie over the index");
	if (!code)
		code = read_places(disk, &index, err);
	if (!code)
		code = read_places(disk, &places, err);
	runs_free(&places);
	runs_free(&index);
	runs_free(&both);
	return code;
}

/* --- all of it --- */

/* The reader has checked all there is to check. */
static int ignore_pages(void *context, size_t number, const struct image_chunk *chunk,
			const struct run *runs, const void *pages, struct error *err)
{
	(void)context, (void)number, (void)chunk, (void)runs, (void)pages, (void)err;
	return 0;
}

static int verify_image(const struct disk *disk, const struct image_super *super,
			const struct opener *opener, unsigned workers,
			const struct image_sink *sink, struct error *err)
{
	static const struct image_sink ignore = { .take = ignore_pages };
	struct image_index index = { .chunk_count = 0 };
	int code;

	if (super->state == IMAGE_EMPTY)
		return 0;
	code = image_index_read(disk, super, opener, &index, err);
	if (code == -ENOKEY)
		return verify_sealed(disk, super, err) ? -err->code : code;
	if (code)
		return code;
	code = verify_layout(super, &index, err);
	if (!code && super->algorithm)
		code = verify_envelope(disk, super, &index, err);
	if (!code)
		code = verify_digests(disk, &index, err);
	if (!code)
		code = image_read_chunks(disk, &index, workers, sink ? sink : &ignore, err);
	image_index_free(&index);
	return code;
}

int image_verify(const struct disk *disk, const struct image_super *super,
		 const struct opener *opener, unsigned workers, const struct image_sink *sink,
		 struct error *err)
{
	struct error older = { .code = 0 };
	int supers = verify_supers(disk, super, &older), code = 0;

	if (!supers || supers == -ESTALE)
		code = verify_image(disk, super, opener, workers, sink, err);
	if (code || !supers)
		return code;
	*err = older;
	return supers;
}
