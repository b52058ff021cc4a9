/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of a file's places. */
#include "kjump/file/layout.h"

#include <errno.h>
#include <stdlib.h>

#include "common/safe.h"

int layout_add(struct layout *layout, uint64_t offset, uint64_t length, struct error *err)
{
	struct image_filemap_extent *last = layout->extents + layout->count - 1;

	if (!length || !safe_within(offset, length, INT64_MAX))
		return error_set(err, EUCLEAN, "its file system tells an impossible place");
	if (layout->count && last->offset + last->length == offset) {
		last->length += length;
		return 0;
	}
	if (layout->count == IMAGE_MAP_EXTENTS)
		return error_set(err, E2BIG, "lies in more than %d pieces; a new file may do",
				 IMAGE_MAP_EXTENTS);
	layout->extents[layout->count++] = (struct image_filemap_extent){ offset, length };
	return 0;
}

void layout_free(struct layout *layout)
{
	free(layout->extents);
	layout->extents = NULL;
	layout->count = 0;
}
