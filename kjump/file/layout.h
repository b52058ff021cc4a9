/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the bytes of a file lie on the device that holds its file system.
 */
#ifndef KJUMP_FILE_LAYOUT_H
#define KJUMP_FILE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "image/format.h"
#include "kjump/file/holder.h"

/* Extents of bytes of the device, in the order of the file, neighbours merged. Zeroed, it is empty.
 */
struct layout {
	struct image_filemap_extent *extents; /* room for IMAGE_MAP_EXTENTS */
	uint32_t count;
	uint64_t size; /* of the file */
};

/*
 * Read where all bytes lie of the file that is open as FD, after what is still to be written of it
 * was. As the file system tells it: FIEMAP (FIBMAP for vfat), and on btrfs, whose addresses are its
 * own, its chunk tree. Fails with ENODATA when some bytes have no place yet (a hole, or blocks that
 * were never written), with ENOTSUP, and says why, when they have none that would stay (shared with
 * another file or a snapshot, compressed, encrypted, inline, on RAID profiles, or not at multiples
 * of 4096 bytes), E2BIG when they lie in more than IMAGE_MAP_EXTENTS pieces. layout_free() ends it.
 */
int layout_read(int fd, const struct holder *holder, struct layout *ret, struct error *err);
void layout_free(struct layout *layout);

/* Append LENGTH bytes at OFFSET of the device. For those who read it. */
int layout_add(struct layout *layout, uint64_t offset, uint64_t length, struct error *err);

/* Append LENGTH bytes at ADDRESS in btrfs' own address space (btrfs.c). */
int layout_add_btrfs(int fd, struct layout *layout, uint64_t address, uint64_t length,
		     struct error *err);

#endif
