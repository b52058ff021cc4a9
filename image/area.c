/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The place of an index, which lies in several pieces, as bytes. */
#include <errno.h>

#include "image/internal.h"

/* Where byte OFFSET of the index lies, and how many follow it in one piece; 0: it has no more. */
static uint64_t locate(const struct image_entry *entry, uint64_t offset, uint64_t *place)
{
	for (int i = 0; i < IMAGE_INDEX_EXTENTS; i++) {
		const struct image_extent *piece = &entry->index[i];

		if (offset < piece->size) {
			*place = piece->offset + offset;
			return piece->size - offset;
		}
		offset -= piece->size;
	}
	return 0;
}

int area_read(const struct disk *disk, const struct image_entry *entry, void *bytes, size_t size,
	      uint64_t offset, struct error *err)
{
	char *at = bytes;

	while (size) {
		uint64_t place, step = locate(entry, offset, &place);
		int code;

		if (!step)
			return error_set(err, EUCLEAN, "index damaged: shorter than it says");
		step = step < size ? step : size;
		code = disk_read(disk, at, step, place, err);
		if (code)
			return code;
		at += step;
		offset += step;
		size -= step;
	}
	return 0;
}

int area_write(const struct disk *disk, const struct image_entry *entry, const void *bytes,
	       size_t size, uint64_t offset, struct error *err)
{
	const char *at = bytes;

	while (size) {
		uint64_t place, step = locate(entry, offset, &place);
		int code;

		if (!step)
			return error_set(err, EINVAL, "index larger than its place");
		step = step < size ? step : size;
		code = disk_write(disk, at, step, place, err);
		if (code)
			return code;
		at += step;
		offset += step;
		size -= step;
	}
	return 0;
}
