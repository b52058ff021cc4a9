/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Free room on a device: what no index names. Nothing about it is on the disk, where it could be
 * wrong; it is added up from the indexes whenever somebody wants to write.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/internal.h"

static int use(struct runs *used, uint64_t offset, uint64_t size, struct error *err)
{
	return runs_add(used, offset / IMAGE_BLOCK, size / IMAGE_BLOCK)
		       ? error_set(err, ENOMEM, "no memory to add up what is in use")
		       : 0;
}

/* --- what an image uses --- */

static int use_chunks(struct index_source *source, const struct image_head *head,
		      const struct image_section_entry *section, struct runs *used,
		      struct error *err)
{
	struct stream stream;
	int code = stream_open(source, section, &stream, err);

	while (!code && stream.left) {
		struct image_chunk chunk;

		code = stream_next(&stream, &chunk, err);
		if (!code && !space_contains(head, chunk.offset, chunk_size(&chunk)))
			code = error_set(err, EUCLEAN, "index damaged: a chunk lies elsewhere");
		if (!code)
			code = use(used, chunk.offset, chunk_size(&chunk), err);
	}
	stream_close(&stream);
	return code;
}

static int use_digests(struct index_source *source, const struct image_head *head,
		       const struct image_section_entry *section, struct runs *used,
		       struct error *err)
{
	struct stream stream;
	int code = stream_open(source, section, &stream, err);

	while (!code && stream.left) {
		struct image_digests digests;

		code = stream_next(&stream, &digests, err);
		if (!code && !space_contains(head, digests.offset, digests_size(&digests)))
			code = error_set(err, EUCLEAN, "index damaged: digests lie elsewhere");
		if (!code)
			code = use(used, digests.offset, digests_size(&digests), err);
	}
	stream_close(&stream);
	return code;
}

/* As its index has it. */
static int use_plain(const struct disk *disk, const struct image_head *head,
		     const struct image_entry *entry, struct runs *used, struct error *err)
{
	struct image_index_header *header = disk_buffer(sizeof(*header));
	struct index_source source;
	int code;

	if (!header)
		return error_set(err, ENOMEM, "no memory to read an index");
	code = source_open(disk, head, entry, NULL, &source, err);
	if (!code)
		code = source_read(&source, header, sizeof(*header), 0, err);
	if (!code)
		code = index_check_header(entry, header, err);
	if (!code)
		code = use_chunks(&source, head, &header->sections[SECTION_CHUNKS], used, err);
	if (!code)
		code = use_digests(&source, head, &header->sections[SECTION_DIGESTS], used, err);
	free(header);
	return code;
}

/* A sealed one says so in its envelope, for all those who have no key. */
static int use_image(const struct disk *disk, const struct image_head *head,
		     const struct image_entry *entry, struct runs *used, struct error *err)
{
	int code = entry->algorithm ? envelope_read(disk, head, entry, NULL, NULL, used, err)
				    : use_plain(disk, head, entry, used, err);

	for (int i = 0; i < IMAGE_INDEX_EXTENTS && !code; i++)
		code = use(used, entry->index[i].offset, entry->index[i].size, err);
	runs_sort(used);
	return code;
}

/* --- what is left --- */

int space_read(const struct disk *disk, const struct image_super *super, struct runs *used,
	       struct space *ret, unsigned *broken, struct error *err)
{
	struct runs none = { 0 };
	struct run area = { IMAGE_DATA_START / IMAGE_BLOCK,
			    (super->device_size - IMAGE_TAIL - IMAGE_DATA_START) / IMAGE_BLOCK };
	const struct runs all = { .v = &area, .n = 1 };
	struct image_head head;
	int code = 0;

	*ret = (struct space){ .blocks = area.count };
	*broken = IMAGE_TABLE;
	table_get_head(super, &head);
	used = used ? used : &none;
	runs_sort(used);
	for (unsigned i = 0; i < IMAGE_TABLE && disk && !code; i++) {
		if (!super->table[i].state)
			continue;
		code = use_image(disk, &head, &super->table[i], used, err);
		if (code && code != -ENOMEM)
			*broken = i;
	}
	if (!code && runs_subtract(&all, used, &ret->free))
		code = error_set(err, ENOMEM, "no memory to add up what is free");
	runs_free(used);
	if (code)
		space_free(ret);
	return code;
}

void space_free(struct space *space)
{
	runs_free(&space->free);
}

int image_used_end(const struct disk *disk, const struct image_super *super, uint64_t *ret,
		   struct error *err)
{
	uint64_t end = (super->device_size - IMAGE_TAIL) / IMAGE_BLOCK;
	struct space space;
	unsigned broken;
	int code = space_read(disk, super, NULL, &space, &broken, err);
	const struct run *last;

	if (code)
		return code;
	last = space.free.n ? &space.free.v[space.free.n - 1] : NULL;
	*ret = (last && last->pfn + last->count == end ? last->pfn : end) * IMAGE_BLOCK;
	space_free(&space);
	return 0;
}

/* --- taking some of it --- */

static uint64_t take_front(struct run *run, uint64_t blocks)
{
	uint64_t first = run->pfn;

	run->pfn += blocks;
	run->count -= blocks;
	return first * IMAGE_BLOCK;
}

bool space_take(struct space *space, uint64_t size, uint64_t *offset)
{
	uint64_t blocks = size / IMAGE_BLOCK;

	/* On from where it was, so that what is written together lies together. */
	for (size_t n = 0; n < space->free.n; n++) {
		size_t i = (space->cursor + n) % space->free.n;

		if (space->free.v[i].count >= blocks) {
			*offset = take_front(&space->free.v[i], blocks);
			space->cursor = i;
			return true;
		}
	}
	return false;
}

static struct run *find_largest(const struct space *space)
{
	struct run *largest = NULL;

	for (size_t i = 0; i < space->free.n; i++)
		if (!largest || space->free.v[i].count > largest->count)
			largest = &space->free.v[i];
	return largest;
}

bool space_take_pieces(struct space *space, uint64_t size,
		       struct image_extent pieces[IMAGE_INDEX_EXTENTS])
{
	struct run *from[IMAGE_INDEX_EXTENTS];
	uint64_t left = size / IMAGE_BLOCK;
	int count = 0;

	memset(pieces, 0, IMAGE_INDEX_EXTENTS * sizeof(*pieces));
	if (space_take(space, size, &pieces[0].offset)) {
		pieces[0].size = size;
		return true;
	}
	for (; left && count < IMAGE_INDEX_EXTENTS; count++) {
		struct run *run = find_largest(space);
		uint64_t blocks = !run ? 0 : run->count < left ? run->count : left;

		if (!blocks)
			break;
		from[count] = run;
		pieces[count].offset = take_front(run, blocks);
		pieces[count].size = blocks * IMAGE_BLOCK;
		left -= blocks;
	}
	if (!left)
		return true;
	while (count--) {
		from[count]->pfn -= pieces[count].size / IMAGE_BLOCK;
		from[count]->count += pieces[count].size / IMAGE_BLOCK;
		pieces[count] = (struct image_extent){ 0 };
	}
	return false;
}
