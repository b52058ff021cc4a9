/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XFS: the superblock and the log. A mount writes to the log at its head, recovery too; of a big
 * log only the part around the head is watched, with room for what A itself still writes.
 */
#include <errno.h>
#include <string.h>

#include "common/safe.h"
#include "kjump/fs/kinds.h"

#define SUPER_SIZE 512
#define SECTOR	   512

/* Byte offsets in the superblock; big-endian. */
#define SB_BLOCK_SIZE 4
#define SB_LOG_START  48
#define SB_AG_BLOCKS  84
#define SB_LOG_BLOCKS 96
#define SB_AG_LOG     124

#define RECORD_MAGIC 0xfeedbabe

static int nonsense(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "XFS: %s", what);
}

/* The cycle in which the sector was written: each begins with it, record headers behind a magic. */
static int read_cycle(const struct disk *disk, uint64_t offset, uint32_t *ret, struct error *err)
{
	unsigned char sector[8];
	int code = fs_read(disk, sector, sizeof(sector), offset, err);

	if (!code)
		*ret = fs_be32(sector + (fs_be32(sector) == RECORD_MAGIC ? 4 : 0));
	return code;
}

/*
 * The head: the log is written round and round, and sectors from the head on are of an older
 * cycle than the first one. Near the head the order may be mixed, which the margins allow for.
 */
static int find_head(const struct disk *disk, const struct extent *log, uint64_t *ret,
		     struct error *err)
{
	uint64_t low = 0, high = log->length / SECTOR;
	uint32_t first = 0, cycle = 0;
	int code = read_cycle(disk, log->offset, &first, err);

	while (!code && high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		code = read_cycle(disk, log->offset + middle * SECTOR, &cycle, err);
		if (code || cycle == first)
			low = middle;
		else
			high = middle;
	}
	*ret = high * SECTOR;
	return code;
}

static int add_log(const struct disk *disk, const struct extent *log, struct extents *ret,
		   struct error *err)
{
	uint64_t head = 0, start, length;
	int code;

	if (log->length <= FS_LOG_WHOLE)
		return fs_add(disk, ret, log->offset, log->length, err);
	code = find_head(disk, log, &head, err);
	if (code)
		return code;
	head -= head % DISK_ALIGN;
	start = head >= FS_LOG_BEFORE ? head - FS_LOG_BEFORE : head + log->length - FS_LOG_BEFORE;
	length = log->length - start < FS_LOG_WHOLE ? log->length - start : FS_LOG_WHOLE;
	code = fs_add(disk, ret, log->offset + start, length, err);
	if (!code && length < FS_LOG_WHOLE) /* around the end */
		code = fs_add(disk, ret, log->offset, FS_LOG_WHOLE - length, err);
	return code;
}

int fs_xfs(const struct disk *disk, struct extents *ret, struct error *err)
{
	unsigned char super[SUPER_SIZE];
	uint64_t block_size, start, group, block;
	struct extent log;
	int code = fs_read(disk, super, sizeof(super), 0, err);

	if (code)
		return code;
	block_size = fs_be32(super + SB_BLOCK_SIZE);
	start = fs_be64(super + SB_LOG_START);
	if (memcmp(super, "XFSB", 4) || block_size < SECTOR || block_size > 65536 ||
	    super[SB_AG_LOG] > 32)
		return nonsense(err, "no superblock");
	code = fs_add(disk, ret, 0, DISK_ALIGN, err);
	if (code)
		return code;
	log.length = fs_be32(super + SB_LOG_BLOCKS) * block_size;
	if (!start) {
		ret->log_elsewhere = true;
		ret->log_length = log.length;
		return 0;
	}
	group = start >> super[SB_AG_LOG];
	block = start & ((1ULL << super[SB_AG_LOG]) - 1);
	if (!safe_mul(group, fs_be32(super + SB_AG_BLOCKS), &log.offset) ||
	    !safe_add(log.offset, block, &log.offset) ||
	    !safe_mul(log.offset, block_size, &log.offset) ||
	    !safe_within(log.offset, log.length, disk->size))
		return nonsense(err, "log out of place");
	return add_log(disk, &log, ret, err);
}

int fs_xfs_log(const struct disk *disk, uint64_t length, struct extents *ret, struct error *err)
{
	const struct extent log = { .length = length };

	if (!length || length > disk->size)
		return nonsense(err, "log larger than its device");
	return add_log(disk, &log, ret, err);
}
