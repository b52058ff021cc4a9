/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the bytes of a disk in pieces lie. */
#include "disk/pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/safe.h"

/* The piece that holds byte OFFSET of the disk. */
static const struct disk_piece *find(const struct disk *disk, uint64_t offset)
{
	size_t low = 0, high = disk->piece_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (disk->pieces[middle].start <= offset)
			low = middle;
		else
			high = middle;
	}
	return &disk->pieces[low];
}

struct piece_part pieces_locate(const struct disk *disk, uint64_t offset, size_t size)
{
	const struct disk_piece *piece;

	if (!disk->pieces)
		return (struct piece_part){ disk->fd, offset, size };
	piece = find(disk, offset);
	offset -= piece->start;
	if (size > piece->length - offset)
		size = piece->length - offset;
	return (struct piece_part){ piece->fd, piece->offset + offset, size };
}

int pieces_flush(const struct disk *disk, struct error *err)
{
	for (size_t i = 0; i < disk->piece_count; i++)
		if (disk->pieces[i].owner && !disk->pieces[i].kept && fdatasync(disk->pieces[i].fd))
			return error_errno(err, "cannot flush");
	return 0;
}

void pieces_close(struct disk *disk)
{
	for (size_t i = 0; i < disk->piece_count; i++)
		if (disk->pieces[i].owner)
			close(disk->pieces[i].fd);
	free(disk->pieces);
	disk->pieces = NULL;
	disk->piece_count = 0;
}

/* --- parts of a disk in its place --- */

/* How many pieces the bytes of RANGE lie in. */
static size_t count_parts(const struct disk *disk, const struct disk_range *range)
{
	uint64_t at = range->offset, end = at + range->length;
	size_t count = 0;

	while (at < end) {
		at += pieces_locate(disk, at, end - at).size;
		count++;
	}
	return count;
}

/* Append the pieces of RANGE to those in TO. */
static void add_parts(const struct disk *disk, const struct disk_range *range, struct disk *to)
{
	uint64_t at = range->offset, end = at + range->length;

	while (at < end) {
		struct piece_part part = pieces_locate(disk, at, end - at);

		to->pieces[to->piece_count++] = (struct disk_piece){
			.fd = part.fd,
			.start = to->size,
			.offset = part.offset,
			.length = part.size,
		};
		to->size += part.size;
		at += part.size;
	}
}

/* Let the pieces own the descriptors of DISK: those that no piece uses lie in one without bytes. */
static void inherit(const struct disk *disk, struct disk *to)
{
	struct disk_piece whole = { .fd = disk->fd, .owner = true };
	const struct disk_piece *old = disk->pieces ? disk->pieces : &whole;
	size_t count = disk->pieces ? disk->piece_count : 1;

	for (size_t i = 0; i < count; i++)
		if (old[i].owner)
			to->pieces[to->piece_count++] = (struct disk_piece){
				.fd = old[i].fd,
				.owner = true,
				.kept = old[i].kept,
				.start = UINT64_MAX,
			};
}

int disk_narrow(struct disk *disk, const struct disk_range *ranges, size_t count, struct error *err)
{
	struct disk ret = *disk;
	size_t parts = disk->pieces ? disk->piece_count : 1;

	for (size_t i = 0; i < count; i++) {
		if (ranges[i].offset % DISK_ALIGN || ranges[i].length % DISK_ALIGN ||
		    !ranges[i].length ||
		    !safe_within(ranges[i].offset, ranges[i].length, disk->size))
			return error_set(err, EUCLEAN,
					 "extent %zu does not lie on the device, or not at "
					 "multiples of %d bytes",
					 i, DISK_ALIGN);
		parts += count_parts(disk, &ranges[i]);
	}
	ret.pieces = calloc(parts, sizeof(*ret.pieces));
	if (!ret.pieces)
		return error_set(err, ENOMEM, "no memory");
	ret.piece_count = 0;
	ret.size = 0;
	for (size_t i = 0; i < count; i++)
		add_parts(disk, &ranges[i], &ret);
	inherit(disk, &ret);
	free(disk->pieces);
	*disk = ret;
	return 0;
}

int disk_keep(struct disk *disk, int fd, struct error *err)
{
	struct disk_piece *more =
		reallocarray(disk->pieces, disk->piece_count + 1, sizeof(*disk->pieces));

	if (!more)
		return error_set(err, ENOMEM, "no memory");
	disk->pieces = more;
	more[disk->piece_count++] = (struct disk_piece){
		.fd = fd,
		.owner = true,
		.kept = true,
		.start = UINT64_MAX,
	};
	return 0;
}
