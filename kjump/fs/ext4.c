/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ext2, ext3 and ext4: the superblock, which a mount changes, and the journal, which each commit
 * changes; without a journal the group descriptors, which count what is free.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/safe.h"
#include "kjump/fs/ext4-map.h"
#include "kjump/fs/jbd2.h"
#include "kjump/fs/kinds.h"

#define SUPER_OFFSET	1024
#define SUPER_SIZE	1024
#define DESCRIPTORS_MAX (16ULL << 20) /* bytes of them that are watched */

/* Byte offsets in the superblock. */
#define S_BLOCKS_LO	   0x04
#define S_FIRST_DATA_BLOCK 0x14
#define S_LOG_BLOCK_SIZE   0x18
#define S_BLOCKS_PER_GROUP 0x20
#define S_INODES_PER_GROUP 0x28
#define S_MAGIC		   0x38
#define S_REV_LEVEL	   0x4c
#define S_INODE_SIZE	   0x58
#define S_COMPAT	   0x5c
#define S_INCOMPAT	   0x60
#define S_JOURNAL_UUID	   0xd0
#define S_JOURNAL_INODE	   0xe0
#define S_DESC_SIZE	   0xfe
#define S_BLOCKS_HI	   0x150

#define MAGIC		     0xef53
#define COMPAT_HAS_JOURNAL   0x4
#define INCOMPAT_JOURNAL_DEV 0x8
#define INCOMPAT_META_BG     0x10
#define INCOMPAT_64BIT	     0x80

/* In a group descriptor. */
#define BG_SIZE		  32
#define BG_INODE_TABLE_LO 0x8
#define BG_INODE_TABLE_HI 0x28

static int nonsense(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "ext4: %s", what);
}

static int read_super(const struct disk *disk, unsigned char super[SUPER_SIZE],
		      uint32_t *block_size, struct error *err)
{
	int code = fs_read(disk, super, SUPER_SIZE, SUPER_OFFSET, err);
	uint32_t shift;

	if (code)
		return code;
	shift = fs_le32(super + S_LOG_BLOCK_SIZE);
	if (fs_le16(super + S_MAGIC) != MAGIC || shift > 6)
		return nonsense(err, "no superblock");
	*block_size = 1024U << shift;
	return 0;
}

/* Of a group descriptor. */
static uint32_t descriptor_size(const unsigned char *super)
{
	uint32_t size = fs_le16(super + S_DESC_SIZE);

	return fs_le32(super + S_INCOMPAT) & INCOMPAT_64BIT && size > BG_SIZE ? size : BG_SIZE;
}

/* Read the inode, which must be of the first group. */
static int read_inode(const struct disk *disk, const unsigned char *super, uint32_t block_size,
		      uint32_t number, unsigned char inode[EXT4_INODE_SIZE], struct error *err)
{
	unsigned char descriptor[64] = { 0 };
	bool wide = descriptor_size(super) >= sizeof(descriptor);
	uint32_t inode_size =
		fs_le32(super + S_REV_LEVEL) ? fs_le16(super + S_INODE_SIZE) : EXT4_INODE_SIZE;
	uint64_t place;
	int code;

	if (!number || number > fs_le32(super + S_INODES_PER_GROUP) || inode_size < EXT4_INODE_SIZE)
		return nonsense(err, "journal inode out of place");
	code = fs_read(disk, descriptor, wide ? 64 : 32,
		       (fs_le32(super + S_FIRST_DATA_BLOCK) + 1ULL) * block_size, err);
	if (code)
		return code;
	place = fs_le32(descriptor + BG_INODE_TABLE_LO);
	if (wide)
		place |= (uint64_t)fs_le32(descriptor + BG_INODE_TABLE_HI) << 32;
	if (!safe_mul(place, block_size, &place) ||
	    !safe_add(place, (number - 1ULL) * inode_size, &place))
		return nonsense(err, "inode table out of place");
	return fs_read(disk, inode, EXT4_INODE_SIZE, place, err);
}

static int watch_journal(const struct disk *disk, const unsigned char *super, uint32_t block_size,
			 struct extents *ret, struct error *err)
{
	struct blockmap map = { .block_size = block_size };
	unsigned char inode[EXT4_INODE_SIZE];
	int code =
		read_inode(disk, super, block_size, fs_le32(super + S_JOURNAL_INODE), inode, err);

	if (!code)
		code = ext4_map(disk, inode, &map, err);
	if (!code)
		code = jbd2_watch(disk, &map, 0, ret, err);
	blockmap_free(&map);
	return code;
}

static int watch_descriptors(const struct disk *disk, const unsigned char *super,
			     uint32_t block_size, struct extents *ret, struct error *err)
{
	uint64_t blocks = fs_le32(super + S_BLOCKS_LO), first = fs_le32(super + S_FIRST_DATA_BLOCK);
	uint32_t group = fs_le32(super + S_BLOCKS_PER_GROUP);
	uint64_t size;

	if (fs_le32(super + S_INCOMPAT) & INCOMPAT_64BIT)
		blocks |= (uint64_t)fs_le32(super + S_BLOCKS_HI) << 32;
	if (!group || blocks <= first)
		return nonsense(err, "no groups");
	if (fs_le32(super + S_INCOMPAT) & INCOMPAT_META_BG) /* spread over the device */
		strcpy(ret->unjudged, "it has no journal, and its group descriptors are scattered");
	size = (blocks - first - 1) / group + 1;
	if (!safe_mul(size, descriptor_size(super), &size) || size > DESCRIPTORS_MAX)
		size = DESCRIPTORS_MAX;
	return fs_add(disk, ret, (first + 1) * block_size, size, err);
}

static void name_journal(const unsigned char *super, struct extents *ret)
{
	const unsigned char *u = super + S_JOURNAL_UUID;

	ret->log_elsewhere = true;
	snprintf(ret->log_uuid, sizeof(ret->log_uuid),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
		 u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
		 u[15]);
}

int fs_ext4(const struct disk *disk, struct extents *ret, struct error *err)
{
	unsigned char super[SUPER_SIZE];
	uint32_t block_size = 0;
	int code = read_super(disk, super, &block_size, err);

	if (!code)
		code = fs_add(disk, ret, SUPER_OFFSET, SUPER_SIZE, err);
	if (code)
		return code;
	if (!(fs_le32(super + S_COMPAT) & COMPAT_HAS_JOURNAL))
		return watch_descriptors(disk, super, block_size, ret, err);
	if (fs_le32(super + S_JOURNAL_INODE))
		return watch_journal(disk, super, block_size, ret, err);
	name_journal(super, ret);
	return 0;
}

/* The journal's block numbers are those of its device (jbd2_journal_bmap()). */
int fs_ext4_log(const struct disk *log, struct extents *ret, struct error *err)
{
	unsigned char super[SUPER_SIZE];
	uint32_t block_size = 0;
	struct blockmap map = { .n = 0 };
	int code = read_super(log, super, &block_size, err);

	if (code)
		return code;
	if (!(fs_le32(super + S_INCOMPAT) & INCOMPAT_JOURNAL_DEV))
		return nonsense(err, "no journal on a device of its own");
	map.block_size = block_size;
	code = blockmap_add(&map, 0, 0, log->size / block_size, err);
	if (!code)
		code = fs_add(log, ret, SUPER_OFFSET, SUPER_SIZE, err);
	if (!code)
		code = jbd2_watch(log, &map, block_size == 1024 ? 2 : 1, ret, err);
	blockmap_free(&map);
	return code;
}
