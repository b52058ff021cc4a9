/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * f2fs: both superblocks and the area of the checkpoints, which are written in turns
 * (Linux: include/linux/f2fs_fs.h, fs/f2fs/checkpoint.c).
 */
#include <errno.h>

#include "common/safe.h"
#include "kjump/fs/kinds.h"

#define SUPER_OFFSET   1024
#define SUPER_SIZE     128
#define SUPERS	       8192 /* bytes from the start in which both lie */
#define MAGIC	       0xf2f52010
#define CHECKPOINT_MAX (64ULL << 20)

/* Byte offsets in the superblock. */
#define S_LOG_BLOCK_SIZE 16
#define S_CHECKPOINTS	 76
#define S_BEHIND	 80 /* the area behind the checkpoints */

int fs_f2fs(const struct disk *disk, struct extents *ret, struct error *err)
{
	unsigned char super[SUPER_SIZE];
	uint64_t start, end;
	uint32_t shift;
	int code = fs_read(disk, super, sizeof(super), SUPER_OFFSET, err);

	if (code)
		return code;
	shift = fs_le32(super + S_LOG_BLOCK_SIZE);
	if (fs_le32(super) != MAGIC || shift < 12 || shift > 16)
		return error_set(err, EUCLEAN, "f2fs: no superblock");
	start = (uint64_t)fs_le32(super + S_CHECKPOINTS) << shift;
	end = (uint64_t)fs_le32(super + S_BEHIND) << shift;
	if (start < SUPERS || end <= start || end - start > CHECKPOINT_MAX)
		return error_set(err, EUCLEAN, "f2fs: checkpoints out of place");
	code = fs_add(disk, ret, 0, SUPERS, err);
	return code ? code : fs_add(disk, ret, start, end - start, err);
}
