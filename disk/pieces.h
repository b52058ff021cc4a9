/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A volume in pieces on devices: what disk.c needs to read and write one that the kernel has not
 * assembled.
 */
#ifndef DISK_PIECES_H
#define DISK_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "disk/disk.h"

struct disk_piece {
	int fd;
	uint64_t start;	 /* in the volume */
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
