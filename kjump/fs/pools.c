/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems over several devices, each of which has a label of its own: what lies there changes
 * when the whole is mounted.
 */
#include <errno.h>
#include <string.h>

#include "common/safe.h"
#include "kjump/fs/kinds.h"

#define KIB 1024ULL

/* --- bcachefs: each write of the superblock raises a number in it (bch2_write_super()) --- */

#define BCACHEFS_SUPER 4096
#define BCACHEFS_MAGIC 24 /* in the superblock */
#define BCACHEFS_SIZE  (1024 * KIB)

int fs_bcachefs(const struct disk *disk, struct extents *ret, struct error *err)
{
	static const unsigned char magics[][16] = {
		{ 0xc6, 0x85, 0x73, 0xf6, 0x66, 0xce, 0x90, 0xa9, 0xd9, 0x6a, 0x60, 0xcf, 0x80,
		  0x3d, 0xf7, 0xef },
		{ 0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca, 0x82, 0x65, 0xf5, 0x7f, 0x48,
		  0xba, 0x6d, 0x81 },
	};
	unsigned char magic[16];
	int code = fs_read(disk, magic, sizeof(magic), BCACHEFS_SUPER + BCACHEFS_MAGIC, err);

	if (code)
		return code;
	if (memcmp(magic, magics[0], sizeof(magic)) && memcmp(magic, magics[1], sizeof(magic)))
		return error_set(err, EUCLEAN, "bcachefs: no superblock");
	return fs_add(disk, ret, 0, disk->size < BCACHEFS_SIZE ? disk->size : BCACHEFS_SIZE, err);
}

/*
 * --- ZFS: four labels, two at each end; every transaction group writes an uberblock into one of
 * them, on some of the devices ---
 */

#define ZFS_LABEL      (256 * KIB)
#define ZFS_UBERBLOCKS (128 * KIB) /* in a label, up to its end */
#define ZFS_STEP       1024
#define ZFS_MAGIC      0x00bab10c

static int find_uberblock(const struct disk *disk, bool *ret, struct error *err)
{
	int code = 0;

	for (uint64_t at = ZFS_UBERBLOCKS; at < ZFS_LABEL && !code && !*ret; at += ZFS_STEP) {
		unsigned char magic[8];

		code = fs_read(disk, magic, sizeof(magic), at, err);
		*ret = !code && (fs_le64(magic) == ZFS_MAGIC || fs_be64(magic) == ZFS_MAGIC);
	}
	return code;
}

int fs_zfs(const struct disk *disk, struct extents *ret, struct error *err)
{
	uint64_t end = disk->size - disk->size % ZFS_LABEL;
	bool found = false;
	int code;

	if (end < 4 * ZFS_LABEL)
		return error_set(err, EUCLEAN, "ZFS: device too small");
	code = find_uberblock(disk, &found, err);
	if (!code && !found)
		code = error_set(err, EUCLEAN, "ZFS: no label");
	if (!code)
		code = fs_add(disk, ret, 0, 2 * ZFS_LABEL, err);
	return code ? code : fs_add(disk, ret, end - 2 * ZFS_LABEL, 2 * ZFS_LABEL, err);
}
