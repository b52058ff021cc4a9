/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the bytes of a volume in pieces lie. */
#include "disk/pieces.h"

#include <stdlib.h>
#include <unistd.h>

struct piece_part pieces_locate(const struct disk *disk, uint64_t offset, size_t size)
{
	const struct disk_piece *piece = disk->pieces;

	if (!piece)
		return (struct piece_part){ disk->fd, offset, size };
	while (offset - piece->start >= piece->length)
		piece++;
	offset -= piece->start;
	if (size > piece->length - offset)
		size = piece->length - offset;
	return (struct piece_part){ piece->fd, piece->offset + offset, size };
}

int pieces_flush(const struct disk *disk, struct error *err)
{
	for (size_t i = 0; i < disk->piece_count; i++)
		if (fdatasync(disk->pieces[i].fd))
			return error_errno(err, "cannot flush");
	return 0;
}

void pieces_close(struct disk *disk)
{
	for (size_t i = 0; i < disk->piece_count; i++)
		if (disk->pieces[i].fd >= 0)
			close(disk->pieces[i].fd);
	free(disk->pieces);
	disk->pieces = NULL;
	disk->piece_count = 0;
}
