/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal of ext3 and ext4 (Linux: fs/jbd2, include/linux/jbd2.h).
 */
#ifndef KJUMP_FS_JBD2_H
#define KJUMP_FS_JBD2_H

#include "common/error.h"
#include "kjump/fs/blockmap.h"
#include "kjump/fs/extents.h"

/*
 * Append what changes of the journal whose blocks MAP has on DISK when somebody commits to it or
 * replays it: its superblock, the blocks of fast commits, and the rest of it if that is no more
 * than FS_LOG_WHOLE, else as much around its head. Block SUPER is its superblock. EUCLEAN when it
 * is no journal.
 */
int jbd2_watch(const struct disk *disk, const struct blockmap *map, uint32_t super,
	       struct extents *ret, struct error *err);

#endif
