/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ext2, ext3 and ext4: the superblock, which a mount changes, and the first block of the journal,
 * which a journal replay changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/safe.h"
#include "kjump/fs/fs.h"

#define SUPER_OFFSET 1024
#define SUPER_SIZE   1024
#define INODE_SIZE   128 /* at least; all that is needed lies in it */
#define DEPTH_MAX    5

/* Byte offsets in the superblock. */
#define S_FIRST_DATA_BLOCK 0x14
#define S_LOG_BLOCK_SIZE   0x18
#define S_INODES_PER_GROUP 0x28
#define S_MAGIC		   0x38
#define S_REV_LEVEL	   0x4c
#define S_INODE_SIZE	   0x58
#define S_COMPAT	   0x5c
#define S_INCOMPAT	   0x60
#define S_JOURNAL_INODE	   0xe0
#define S_DESC_SIZE	   0xfe

#define MAGIC		   0xef53
#define COMPAT_HAS_JOURNAL 0x4
#define INCOMPAT_64BIT	   0x80

/* In a group descriptor and in an inode. */
#define BG_INODE_TABLE_LO 0x8
#define BG_INODE_TABLE_HI 0x28
#define I_FLAGS		  0x20
#define I_FLAG_EXTENTS	  0x80000
#define I_BLOCK		  0x28

#define EXTENT_MAGIC 0xf30a

static int nonsense(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "ext4: %s", what);
}

/* Where the inode (of the first group) begins. */
static int find_inode(const struct disk *disk, const unsigned char *super, uint64_t block_size,
		      uint32_t inode, uint64_t *ret, struct error *err)
{
	unsigned char descriptor[64] = { 0 };
	bool wide = fs_le32(super + S_INCOMPAT) & INCOMPAT_64BIT &&
		    fs_le16(super + S_DESC_SIZE) >= sizeof(descriptor);
	uint32_t inode_size =
		fs_le32(super + S_REV_LEVEL) ? fs_le16(super + S_INODE_SIZE) : INODE_SIZE;
	uint64_t table;
	int code;

	if (!inode || inode > fs_le32(super + S_INODES_PER_GROUP) || inode_size < INODE_SIZE)
		return nonsense(err, "journal inode out of place");
	code = fs_read(disk, descriptor, wide ? 64 : 32,
		       (fs_le32(super + S_FIRST_DATA_BLOCK) + 1ULL) * block_size, err);
	if (code)
		return code;
	table = fs_le32(descriptor + BG_INODE_TABLE_LO);
	if (wide)
		table |= (uint64_t)fs_le32(descriptor + BG_INODE_TABLE_HI) << 32;
	if (!safe_mul(table, block_size, &table) ||
	    !safe_add(table, (inode - 1ULL) * inode_size, ret))
		return nonsense(err, "inode table out of place");
	return 0;
}

/* Block number of file block 0, from the extent tree whose root is at NODE. */
static int first_extent(const struct disk *disk, const unsigned char *root, uint64_t block_size,
			uint64_t *ret, struct error *err)
{
	unsigned char node[24]; /* header and first entry */
	uint64_t block;

	memcpy(node, root, sizeof(node));
	for (int depth = 0; depth <= DEPTH_MAX; depth++) {
		const unsigned char *entry = node + 12;
		int code;

		if (fs_le16(node) != EXTENT_MAGIC || !fs_le16(node + 2) || fs_le32(entry))
			return nonsense(err, "journal without a first block");
		if (!fs_le16(node + 6)) { /* a leaf */
			*ret = fs_le32(entry + 8) | (uint64_t)fs_le16(entry + 6) << 32;
			return 0;
		}
		block = fs_le32(entry + 4) | (uint64_t)fs_le16(entry + 8) << 32;
		if (!safe_mul(block, block_size, &block))
			return nonsense(err, "extent tree out of place");
		code = fs_read(disk, node, sizeof(node), block, err);
		if (code)
			return code;
	}
	return nonsense(err, "extent tree too deep");
}

static int add_journal(const struct disk *disk, const unsigned char *super, uint64_t block_size,
		       struct extents *ret, struct error *err)
{
	unsigned char inode[INODE_SIZE];
	uint64_t place = 0, block = 0;
	int code =
		find_inode(disk, super, block_size, fs_le32(super + S_JOURNAL_INODE), &place, err);

	if (!code)
		code = fs_read(disk, inode, sizeof(inode), place, err);
	if (code)
		return code;
	if (fs_le32(inode + I_FLAGS) & I_FLAG_EXTENTS)
		code = first_extent(disk, inode + I_BLOCK, block_size, &block, err);
	else
		block = fs_le32(inode + I_BLOCK);
	if (code)
		return code;
	if (!block || !safe_mul(block, block_size, &block))
		return nonsense(err, "journal without a first block");
	return fs_add(disk, ret, block, block_size, err);
}

int fs_ext4(const struct disk *disk, struct extents *ret, struct error *err)
{
	unsigned char super[SUPER_SIZE];
	uint32_t log_block_size;
	int code = fs_read(disk, super, sizeof(super), SUPER_OFFSET, err);

	if (code)
		return code;
	log_block_size = fs_le32(super + S_LOG_BLOCK_SIZE);
	if (fs_le16(super + S_MAGIC) != MAGIC || log_block_size > 6)
		return nonsense(err, "no superblock");
	code = fs_add(disk, ret, SUPER_OFFSET, SUPER_SIZE, err);
	if (code || !(fs_le32(super + S_COMPAT) & COMPAT_HAS_JOURNAL) ||
	    !fs_le32(super + S_JOURNAL_INODE)) /* the journal is on another device */
		return code;
	return add_journal(disk, super, 1024ULL << log_block_size, ret, err);
}
