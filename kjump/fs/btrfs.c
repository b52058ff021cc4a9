/* SPDX-License-Identifier: GPL-2.0-or-later */
/* btrfs: the superblock copies; every transaction writes them all. */
#include <errno.h>
#include <string.h>

#include "common/safe.h"
#include "kjump/fs/kinds.h"

#define SUPER_SIZE 4096

int fs_btrfs(const struct disk *disk, struct extents *ret, struct error *err)
{
	static const uint64_t copies[] = { 64ULL << 10, 64ULL << 20, 256ULL << 30 };
	unsigned char magic[8];
	int code = fs_read(disk, magic, sizeof(magic), copies[0] + 0x40, err);

	if (code)
		return code;
	if (memcmp(magic, "_BHRfS_M", sizeof(magic)))
		return error_set(err, EUCLEAN, "btrfs: no superblock");
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]) && !code; i++)
		if (safe_within(copies[i], SUPER_SIZE, disk->size))
			code = fs_add(disk, ret, copies[i], SUPER_SIZE, err);
	return code;
}
