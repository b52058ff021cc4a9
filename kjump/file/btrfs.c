/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * btrfs has an address space of its own, in which FIEMAP answers. Its chunk tree says where a chunk
 * of that lies on the devices (btrfs_map_block() in the kernel).
 */
#include <endian.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "common/safe.h"
#include "kjump/file/layout.h"

struct chunk {
	uint64_t start, length; /* in btrfs' address space */
	uint64_t offset;	/* on the device */
};

static int no_chunk(struct error *err)
{
	return error_set(err, EUCLEAN, "btrfs has no chunk where it says that the file lies");
}

static int parse_chunk(uint64_t start, const struct btrfs_chunk *item, struct chunk *ret,
		       struct error *err)
{
	uint64_t type = le64toh(item->type);

	if (!(type & BTRFS_BLOCK_GROUP_DATA))
		return no_chunk(err);
	if (type & BTRFS_BLOCK_GROUP_PROFILE_MASK || le16toh(item->num_stripes) != 1)
		return error_set(err, ENOTSUP,
				 "lies on btrfs with a RAID or DUP profile for data; kernel B "
				 "writes to one place only");
	ret->start = start;
	ret->length = le64toh(item->length);
	ret->offset = le64toh(item->stripe.offset);
	if (!ret->length || !safe_within(start, ret->length, INT64_MAX) ||
	    !safe_within(ret->offset, ret->length, INT64_MAX))
		return no_chunk(err);
	return 0;
}

/* The chunk that holds ADDRESS: the last one that begins no later. */
static int find_chunk(int fd, uint64_t address, struct chunk *ret, struct error *err)
{
	struct btrfs_ioctl_search_args search = { .key = {
							  .tree_id = BTRFS_CHUNK_TREE_OBJECTID,
							  .min_objectid =
								  BTRFS_FIRST_CHUNK_TREE_OBJECTID,
							  .max_objectid =
								  BTRFS_FIRST_CHUNK_TREE_OBJECTID,
							  .min_type = BTRFS_CHUNK_ITEM_KEY,
							  .max_type = BTRFS_CHUNK_ITEM_KEY,
							  .max_offset = address,
							  .max_transid = UINT64_MAX,
						  } };
	struct btrfs_ioctl_search_header header = { 0 };
	struct btrfs_chunk item = { 0 };
	bool found = false;

	for (;;) {
		size_t at = 0;

		search.key.nr_items = UINT32_MAX;
		if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &search))
			return error_errno(err, "btrfs does not tell where its chunks lie");
		if (!search.key.nr_items)
			break;
		for (uint32_t i = 0; i < search.key.nr_items; i++) {
			if (at + sizeof(header) > sizeof(search.buf))
				return no_chunk(err);
			memcpy(&header, search.buf + at, sizeof(header));
			at += sizeof(header);
			if (header.len < sizeof(item) || at + header.len > sizeof(search.buf))
				return no_chunk(err);
			memcpy(&item, search.buf + at, sizeof(item));
			at += header.len;
		}
		found = true;
		if (header.offset == UINT64_MAX)
			break;
		search.key.min_offset = header.offset + 1;
		if (search.key.min_offset > address)
			break;
	}
	if (!found || parse_chunk(header.offset, &item, ret, err))
		return found ? -err->code : no_chunk(err);
	return address - ret->start < ret->length ? 0 : no_chunk(err);
}

int layout_add_btrfs(int fd, struct layout *layout, uint64_t address, uint64_t length,
		     struct error *err)
{
	while (length) {
		uint64_t within, part;
		struct chunk chunk;
		int code = find_chunk(fd, address, &chunk, err);

		if (code)
			return code;
		within = address - chunk.start;
		part = chunk.length - within < length ? chunk.length - within : length;
		code = layout_add(layout, chunk.offset + within, part, err);
		if (code)
			return code;
		address += part;
		length -= part;
	}
	return 0;
}
