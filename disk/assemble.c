/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a volume in pieces on devices. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/safe.h"
#include "disk/disk.h"
#include "disk/pieces.h"

/* The descriptor that a piece before NUMBER has of the same device; -1 when there is none. */
static int find_opened(const struct watch *pieces, size_t number, const struct disk *volume)
{
	for (size_t i = 0; i < number; i++)
		if (!strcmp(pieces[i].tag, pieces[number].tag))
			return volume->pieces[i].fd;
	return -1;
}

/* Open the device of piece NUMBER. Opened once, it is shared by all pieces that lie on it. */
static int open_device(const struct watch *pieces, size_t number, struct disk *volume,
		       struct error *err)
{
	struct disk_piece *piece = &volume->pieces[number];
	const struct watch *wanted = &pieces[number];
	char path[PATH_MAX];
	struct disk disk;
	off_t size;
	int code;

	piece->fd = find_opened(pieces, number, volume);
	if (piece->fd < 0) {
		code = disk_find(wanted->tag, path, sizeof(path), err);
		if (!code)
			code = disk_open(path, DISK_WRITE, &disk, err);
		if (code)
			return code;
		piece->fd = disk.fd;
		piece->owner = true;
	}
	size = lseek(piece->fd, 0, SEEK_END);
	if (size < 0 || !safe_within(wanted->offset, wanted->length, (uint64_t)size))
		return error_set(err, ENOSPC, "%s: smaller than the volume on it", wanted->tag);
	return 0;
}

static int open_piece(const struct watch *pieces, size_t number, struct disk *volume,
		      struct error *err)
{
	const struct watch *wanted = &pieces[number];

	if (!safe_is_text(wanted->tag, sizeof(wanted->tag)) || !wanted->length ||
	    wanted->offset % DISK_ALIGN || wanted->length % DISK_ALIGN ||
	    !safe_within(wanted->offset, wanted->length, INT64_MAX) ||
	    !safe_within(volume->size, wanted->length, INT64_MAX))
		return error_set(err, EINVAL, "piece %zu makes no sense", number);
	volume->pieces[number] = (struct disk_piece){
		.fd = -1,
		.start = volume->size,
		.offset = wanted->offset,
		.length = wanted->length,
	};
	volume->piece_count = number + 1;
	volume->size += wanted->length;
	return open_device(pieces, number, volume, err);
}

int disk_open_pieces(const struct watch *pieces, size_t count, const char *name, struct disk *disk,
		     struct error *err)
{
	int code = 0;

	memset(disk, 0, sizeof(*disk));
	disk->fd = -1;
	snprintf(disk->name, sizeof(disk->name), "%s", name);
	if (!count)
		return error_set(err, EINVAL, "%s: no pieces", name);
	disk->pieces = calloc(count, sizeof(*disk->pieces));
	if (!disk->pieces)
		return error_set(err, ENOMEM, "%s: no memory", name);
	for (size_t i = 0; i < count && !code; i++)
		code = open_piece(pieces, i, disk, err);
	if (code) {
		error_prefix(err, "%s", name);
		disk_close(disk);
		return code;
	}
	disk->fd = disk->pieces[0].fd;
	return 0;
}
