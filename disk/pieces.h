/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk in pieces on devices, as a volume that the kernel has not assembled or a file whose file
 * system is not mounted: what disk.c needs to read and write it.
 */
#ifndef DISK_PIECES_H
#define DISK_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "disk/disk.h"

/* They follow one another in the disk without gaps. */
struct disk_piece {
	int fd;
	bool owner;	 /* of the descriptor, which others share: it is flushed and closed once */
	bool kept;	 /* it is only closed: see disk_keep() */
	uint64_t start;	 /* in the disk */
	uint64_t offset; /* on the device */
	uint64_t length;
};

/* SIZE bytes at OFFSET of what FD has open. */
struct piece_part {
	int fd;
	uint64_t offset;
	size_t size;
};

/*
 * Where the first of SIZE bytes at OFFSET lie, all of them unless the piece ends before. OFFSET
 * lies within the disk, which may be a device in one.
 */
struct piece_part pieces_locate(const struct disk *disk, uint64_t offset, size_t size);

/* As disk_flush(), and the end of the pieces. */
int pieces_flush(const struct disk *disk, struct error *err);
void pieces_close(struct disk *disk);

#endif
