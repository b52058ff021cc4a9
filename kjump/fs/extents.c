/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a file system, and the list of what to watch of it. */
#include "kjump/fs/extents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/safe.h"

int fs_read(const struct disk *disk, void *buffer, size_t size, uint64_t offset, struct error *err)
{
	uint64_t start = offset - offset % DISK_ALIGN;
	uint64_t end;
	unsigned char *blocks;
	int code;

	if (!safe_within(offset, size, disk->size))
		return error_set(err, EUCLEAN, "points beyond the end of the device");
	end = safe_round_up(offset + size, DISK_ALIGN);
	blocks = disk_buffer(end - start);
	if (!blocks)
		return error_set(err, ENOMEM, "no memory");
	code = disk_read(disk, blocks, end - start, start, err);
	if (!code)
		memcpy(buffer, blocks + (offset - start), size);
	free(blocks);
	return code;
}

int fs_add(const struct disk *disk, struct extents *extents, uint64_t offset, uint64_t length,
	   struct error *err)
{
	if (!length || !safe_within(offset, length, disk->size))
		return error_set(err, EUCLEAN, "points beyond the end of the device");
	if (extents->n == EXTENTS_MAX)
		return error_set(err, E2BIG, "in more than %d pieces", EXTENTS_MAX);
	extents->v[extents->n++] = (struct extent){ .offset = offset, .length = length };
	return 0;
}
