/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FAT: everything before the data area (boot sector, FSINFO, FATs, and the root directory of FAT12
 * and FAT16), and the first cluster of FAT32's root directory.
 */
#include <errno.h>

#include "common/safe.h"
#include "kjump/fs/fs.h"

#define BOOT_SIZE 512

/* Byte offsets in the boot sector. */
#define B_SECTOR_SIZE	   11
#define B_CLUSTER_SECTORS  13
#define B_RESERVED_SECTORS 14
#define B_FATS		   16
#define B_ROOT_ENTRIES	   17
#define B_FAT_SECTORS_16   22
#define B_FAT_SECTORS_32   36
#define B_ROOT_CLUSTER	   44
#define B_SIGNATURE	   510

#define ENTRY_SIZE 32

int fs_vfat(const struct disk *disk, struct extents *ret, struct error *err)
{
	unsigned char boot[BOOT_SIZE];
	uint64_t sector, cluster, fat, data, root;
	int code = fs_read(disk, boot, sizeof(boot), 0, err);

	if (code)
		return code;
	sector = fs_le16(boot + B_SECTOR_SIZE);
	cluster = boot[B_CLUSTER_SECTORS] * sector;
	if (fs_le16(boot + B_SIGNATURE) != 0xaa55 || sector < 512 || sector > 4096 ||
	    sector & (sector - 1) || !cluster || !boot[B_FATS])
		return error_set(err, EUCLEAN, "FAT: no boot sector");
	fat = fs_le16(boot + B_FAT_SECTORS_16);
	if (!fat)
		fat = fs_le32(boot + B_FAT_SECTORS_32);
	data = (fs_le16(boot + B_RESERVED_SECTORS) + boot[B_FATS] * fat) * sector;
	data += safe_round_up(fs_le16(boot + B_ROOT_ENTRIES) * ENTRY_SIZE, sector);
	code = fs_add(disk, ret, 0, data, err);
	if (code || fs_le16(boot + B_FAT_SECTORS_16))
		return code;
	root = fs_le32(boot + B_ROOT_CLUSTER);
	if (root < 2)
		return error_set(err, EUCLEAN, "FAT: no root directory");
	return fs_add(disk, ret, data + (root - 2) * cluster, cluster, err);
}
