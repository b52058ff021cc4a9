/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the blocks of an inode of ext2, ext3 and ext4 lie (Linux: fs/ext4/extents.c, indirect.c).
 */
#ifndef KJUMP_FS_EXT4_MAP_H
#define KJUMP_FS_EXT4_MAP_H

#include "common/error.h"
#include "kjump/fs/blockmap.h"

#define EXT4_INODE_SIZE 128 /* at least; all that is needed lies in it */

/*
 * Fill MAP, whose block size is set, from INODE (its first EXT4_INODE_SIZE bytes): a tree of
 * extents, or blocks of block numbers. EUCLEAN when it makes no sense.
 */
int ext4_map(const struct disk *disk, const unsigned char *inode, struct blockmap *map,
	     struct error *err);

#endif
