/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An index's sections one record after the other, for those who have no memory for all of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "image/internal.h"

static int damaged(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "index damaged: %s", what);
}

/* --- the header --- */

static int check_fields(const struct image_entry *entry, const struct image_index_header *header,
			struct error *err)
{
	struct image_index_header copy = *header;

	if (memcmp(header->magic, IMAGE_INDEX_MAGIC, sizeof(header->magic)))
		return damaged(err, "no header");
	copy.crc = 0;
	if (header->crc != crc32c(0, &copy, sizeof(copy)))
		return damaged(err, "header checksum mismatch");
	if (header->version != IMAGE_VERSION)
		return error_set(err, ENOTSUP, "index version %u is not supported",
				 header->version);
	if (memcmp(header->image_uuid, entry->image_uuid, sizeof(header->image_uuid)) ||
	    header->size != entry->index_size || header->section_count != SECTION_COUNT)
		return damaged(err, "header and superblock disagree");
	if (header->reserved0 || !safe_is_zero(header->reserved1, sizeof(header->reserved1)) ||
	    !safe_is_zero(&header->sections[SECTION_COUNT],
			  (SECTION_MAX - SECTION_COUNT) * sizeof(header->sections[0])))
		return damaged(err, "reserved bytes are not zero");
	return 0;
}

/* One section: right behind the one before, whole records. */
static int check_section(const struct image_section_entry *section, uint32_t record,
			 uint64_t index_size, uint64_t *end, struct error *err)
{
	uint64_t padded;

	if (section->record != record)
		return damaged(err, "unknown record size");
	if (!section->size)
		return section->offset || section->crc ? damaged(err, "absent, but placed") : 0;
	if (section->size % record || section->size > index_size)
		return damaged(err, "impossible size");
	padded = safe_round_up(section->size, IMAGE_BLOCK);
	if (section->offset != *end || !safe_within(*end, padded, index_size))
		return damaged(err, "out of place");
	*end += padded;
	return 0;
}

int index_check_header(const struct image_entry *entry, const struct image_index_header *header,
		       struct error *err)
{
	uint64_t end = IMAGE_BLOCK;
	int code = check_fields(entry, header, err);

	for (int i = 0; i < SECTION_COUNT && !code; i++) {
		code = check_section(&header->sections[i], index_record_size(i), header->size, &end,
				     err);
		if (code)
			error_prefix(err, "section %d", i);
	}
	if (code)
		return code;
	if (header->sections[SECTION_MACHINE].size != sizeof(struct image_machine))
		return damaged(err, "no machine record");
	if (header->sections[SECTION_KEYS].size && !entry->algorithm)
		return damaged(err, "keys, but nothing is sealed");
	return end == header->size ? 0 : damaged(err, "bytes behind the last section");
}

/* --- one section --- */

int stream_open(struct index_source *source, const struct image_section_entry *section,
		struct stream *ret, struct error *err)
{
	*ret = (struct stream){
		.source = source,
		.section = *section,
		.buffer = disk_buffer(STREAM_BYTES),
		.left = section->size / section->record,
	};
	return ret->buffer ? 0 : error_set(err, ENOMEM, "no memory to read an index");
}

void stream_close(struct stream *stream)
{
	if (stream->buffer)
		keys_wipe(stream->buffer, STREAM_BYTES);
	free(stream->buffer);
	stream->buffer = NULL;
}

static int fill(struct stream *stream, struct error *err)
{
	uint64_t padded = safe_round_up(stream->section.size, IMAGE_BLOCK);
	uint64_t step = padded - stream->done;
	int code;

	step = step < STREAM_BYTES ? step : STREAM_BYTES;
	code = source_read(stream->source, stream->buffer, step,
			   stream->section.offset + stream->done, err);
	if (code)
		return code;
	stream->crc = crc32c(stream->crc, stream->buffer, step);
	stream->done += step;
	stream->filled = step;
	stream->used = 0;
	return 0;
}

int stream_next(struct stream *stream, void *record, struct error *err)
{
	uint64_t padded = safe_round_up(stream->section.size, IMAGE_BLOCK);
	size_t size = stream->section.record;
	char *at = record;

	while (size) {
		size_t step = stream->filled - stream->used;

		if (!step) {
			int code = fill(stream, err);

			if (code)
				return code;
			continue;
		}
		step = step < size ? step : size;
		memcpy(at, stream->buffer + stream->used, step);
		stream->used += step;
		at += step;
		size -= step;
	}
	stream->left--;
	if (!stream->left && stream->done == padded && stream->crc != stream->section.crc)
		return damaged(err, "checksum mismatch");
	return 0;
}
