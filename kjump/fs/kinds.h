/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parsers, one for each kind of file system.
 */
#ifndef KJUMP_FS_KINDS_H
#define KJUMP_FS_KINDS_H

#include "kjump/fs/extents.h"

/* One file system each; EUCLEAN when it is not that, or makes no sense. RET starts empty. */
int fs_ext4(const struct disk *disk, struct extents *ret, struct error *err);
int fs_xfs(const struct disk *disk, struct extents *ret, struct error *err);
int fs_btrfs(const struct disk *disk, struct extents *ret, struct error *err);
int fs_vfat(const struct disk *disk, struct extents *ret, struct error *err);
int fs_exfat(const struct disk *disk, struct extents *ret, struct error *err);
int fs_f2fs(const struct disk *disk, struct extents *ret, struct error *err);
int fs_ntfs(const struct disk *disk, struct extents *ret, struct error *err);
int fs_bcachefs(const struct disk *disk, struct extents *ret, struct error *err);
int fs_zfs(const struct disk *disk, struct extents *ret, struct error *err);

/* The logs of ext4 and XFS on devices of their own. */
int fs_ext4_log(const struct disk *log, struct extents *ret, struct error *err);
int fs_xfs_log(const struct disk *log, uint64_t length, struct extents *ret, struct error *err);

#endif
