/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which parser a file system has. */
#include "kjump/fs/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kjump/fs/kinds.h"

#define GENERIC_LENGTH 1048576

/* Whatever it is, its superblock most likely lies there. */
static int watch_start(const struct disk *disk, struct extents *ret, struct error *err)
{
	memset(ret, 0, sizeof(*ret));
	return fs_add(disk, ret, 0, disk->size < GENERIC_LENGTH ? disk->size : GENERIC_LENGTH, err);
}

/* What fuse shows as a block device's: NTFS by ntfs-3g, exFAT by exfat-fuse. */
static int fs_fuse(const struct disk *disk, struct extents *ret, struct error *err)
{
	int code = fs_ntfs(disk, ret, err);

	if (code != -EUCLEAN)
		return code;
	memset(ret, 0, sizeof(*ret));
	return fs_exfat(disk, ret, err);
}

int fs_extents(const struct disk *disk, const char *type, struct extents *ret, struct error *err)
{
	static const struct {
		const char *type;
		int (*parse)(const struct disk *disk, struct extents *ret, struct error *err);
	} parsers[] = {
		{ "ext2", fs_ext4 },
		{ "ext3", fs_ext4 },
		{ "ext4", fs_ext4 },
		{ "xfs", fs_xfs },
		{ "btrfs", fs_btrfs },
		{ "f2fs", fs_f2fs },
		{ "vfat", fs_vfat },
		{ "msdos", fs_vfat },
		{ "exfat", fs_exfat },
		{ "ntfs", fs_ntfs },
		{ "ntfs3", fs_ntfs },
		{ "fuseblk", fs_fuse },
		{ "bcachefs", fs_bcachefs },
		{ "zfs", fs_zfs },
		/* Written once, when they are made. */
		{ "iso9660", watch_start },
		{ "squashfs", watch_start },
		{ "erofs", watch_start },
		{ "cramfs", watch_start },
		{ "romfs", watch_start },
	};

	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		struct error cause;
		int code;

		if (strcmp(type, parsers[i].type))
			continue;
		memset(ret, 0, sizeof(*ret));
		code = parsers[i].parse(disk, ret, err);
		if (code != -EUCLEAN && code != -E2BIG)
			return code;
		cause = *err;
		code = watch_start(disk, ret, err);
		snprintf(ret->unjudged, sizeof(ret->unjudged), "%.100s", cause.text);
		return code;
	}
	if (watch_start(disk, ret, err))
		return -err->code;
	strcpy(ret->unjudged, "kjump does not know where this kind of file system changes");
	return 0;
}

int fs_log(const struct disk *log, const char *type, uint64_t length, struct extents *ret,
	   struct error *err)
{
	memset(ret, 0, sizeof(*ret));
	return strcmp(type, "xfs") ? fs_ext4_log(log, ret, err) : fs_xfs_log(log, length, ret, err);
}
