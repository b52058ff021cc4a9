/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extent trees and indirect blocks. */
#include "kjump/fs/ext4-map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/safe.h"

#define DEPTH_MAX  5
#define ENTRY_SIZE 12
#define ROOT_SIZE  60

/* In an inode. */
#define I_SIZE	       0x4
#define I_FLAGS	       0x20
#define I_FLAG_EXTENTS 0x80000
#define I_BLOCK	       0x28
#define I_SIZE_HIGH    0x6c

#define EXTENT_MAGIC	0xf30a
#define EXTENT_WRITTEN	32768 /* longer: allocated, but not written to yet */
#define DIRECT_BLOCKS	12
#define INDIRECT_LEVELS 3

static int nonsense(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "ext4: %s", what);
}

/* A whole block of the device, from malloc. */
static int load(const struct disk *disk, const struct blockmap *map, uint64_t block,
		unsigned char **ret, struct error *err)
{
	uint64_t place;
	int code;

	if (!block || !safe_mul(block, map->block_size, &place))
		return nonsense(err, "a file's blocks out of place");
	*ret = malloc(map->block_size);
	if (!*ret)
		return error_set(err, ENOMEM, "no memory");
	code = fs_read(disk, *ret, map->block_size, place, err);
	if (code) {
		free(*ret);
		*ret = NULL;
	}
	return code;
}

/* --- extents --- */

static int add_leaf(const unsigned char *entry, struct blockmap *map, struct error *err)
{
	uint32_t count = fs_le16(entry + 4);

	if (count > EXTENT_WRITTEN)
		count -= EXTENT_WRITTEN;
	return blockmap_add(map, fs_le32(entry),
			    fs_le32(entry + 8) | (uint64_t)fs_le16(entry + 6) << 32, count, err);
}

/* NODE has SIZE bytes; DEPTH is what it must say of itself, that of the root it may choose. */
static int add_node(const struct disk *disk, const unsigned char *node, size_t size, int depth,
		    struct blockmap *map, struct error *err)
{
	unsigned count = fs_le16(node + 2);
	int code = 0;

	if (fs_le16(node) != EXTENT_MAGIC || fs_le16(node + 6) != depth || depth > DEPTH_MAX ||
	    count > size / ENTRY_SIZE - 1)
		return nonsense(err, "a tree of extents that is none");
	for (unsigned i = 1; i <= count && !code; i++) {
		const unsigned char *entry = node + i * ENTRY_SIZE;
		unsigned char *child = NULL;

		if (!depth) {
			code = add_leaf(entry, map, err);
			continue;
		}
		code = load(disk, map, fs_le32(entry + 4) | (uint64_t)fs_le16(entry + 8) << 32,
			    &child, err);
		if (!code)
			code = add_node(disk, child, map->block_size, depth - 1, map, err);
		free(child);
	}
	return code;
}

/* --- indirect blocks --- */

/* *FIRST is the file's next block; END the one behind its last. */
static int add_indirect(const struct disk *disk, uint32_t block, int level, uint64_t *first,
			uint64_t end, struct blockmap *map, struct error *err)
{
	unsigned char *numbers = NULL;
	int code = 0;

	if (*first >= end)
		return 0;
	if (!level) {
		if (block) /* else a hole */
			code = blockmap_add(map, *first, block, 1, err);
		(*first)++;
		return code;
	}
	code = load(disk, map, block, &numbers, err);
	for (uint32_t i = 0; i < map->block_size / 4 && !code && *first < end; i++)
		code = add_indirect(disk, fs_le32(numbers + 4ULL * i), level - 1, first, end, map,
				    err);
	free(numbers);
	return code;
}

static int add_blocks(const struct disk *disk, const unsigned char *inode, struct blockmap *map,
		      struct error *err)
{
	uint64_t size = fs_le32(inode + I_SIZE) | (uint64_t)fs_le32(inode + I_SIZE_HIGH) << 32;
	uint64_t first = 0, end = size / map->block_size;
	int code = 0;

	for (int i = 0; i < DIRECT_BLOCKS + INDIRECT_LEVELS && !code; i++)
		code = add_indirect(disk, fs_le32(inode + I_BLOCK + 4 * i),
				    i < DIRECT_BLOCKS ? 0 : i - DIRECT_BLOCKS + 1, &first, end, map,
				    err);
	return code;
}

int ext4_map(const struct disk *disk, const unsigned char *inode, struct blockmap *map,
	     struct error *err)
{
	const unsigned char *root = inode + I_BLOCK;

	if (fs_le32(inode + I_FLAGS) & I_FLAG_EXTENTS)
		return add_node(disk, root, ROOT_SIZE, fs_le16(root + 6), map, err);
	return add_blocks(disk, inode, map, err);
}
