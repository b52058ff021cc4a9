/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A commit changes neither the superblock of ext4 nor that of its journal, only blocks of the
 * journal from its head on. The head is written nowhere while the file system is mounted: it is
 * found as recovery finds it, by going from the tail through all transactions in order.
 */
#include "kjump/fs/jbd2.h"

#include <errno.h>
#include <stdlib.h>

#define MAGIC		0xc03b3998
#define HEADER_SIZE	12
#define SUPER_SIZE	0x100
#define FAST_COMMIT_MAX (16ULL << 20) /* bytes of them that are watched; they have 1 MiB */

/* In the header of each block of metadata; big-endian, as all else. */
#define H_TYPE	   0x4
#define H_SEQUENCE 0x8

#define TYPE_DESCRIPTOR 1
#define TYPE_COMMIT	2
#define TYPE_SUPER1	3
#define TYPE_SUPER2	4
#define TYPE_REVOKE	5

#define S_BLOCK_SIZE  0x0c
#define S_LENGTH      0x10
#define S_FIRST	      0x14
#define S_SEQUENCE    0x18
#define S_START	      0x1c
#define S_INCOMPAT    0x28
#define S_FAST_BLOCKS 0x54
#define S_HEAD	      0x58

#define INCOMPAT_64BIT	     0x02
#define INCOMPAT_CSUM_V2     0x08
#define INCOMPAT_CSUM_V3     0x10
#define INCOMPAT_FAST_COMMIT 0x20
#define FAST_BLOCKS	     256 /* where the superblock says 0 */

#define TAG_SAME_UUID 0x2
#define TAG_LAST      0x8
#define UUID_SIZE     16

struct journal {
	const struct disk *disk;
	const struct blockmap *map;
	uint32_t super;		  /* block of its superblock */
	uint32_t first, end;	  /* blocks of the ring */
	uint32_t total;		  /* blocks in all; fast commits lie from END on */
	uint32_t start, sequence; /* of the tail; start 0 = the journal is empty */
	uint32_t head;		  /* of an empty journal; 0 = it begins anew */
	uint32_t incompat;
};

static int nonsense(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "journal: %s", what);
}

static int read_block(const struct journal *journal, uint32_t block, void *buffer, size_t size,
		      struct error *err)
{
	uint64_t place = 0;
	int code = blockmap_find(journal->map, (uint64_t)block * journal->map->block_size, &place,
				 err);

	return code ? code : fs_read(journal->disk, buffer, size, place, err);
}

static int read_super(struct journal *journal, struct error *err)
{
	unsigned char super[SUPER_SIZE];
	uint32_t type, fast = 0;
	int code = read_block(journal, journal->super, super, sizeof(super), err);

	if (code)
		return code;
	type = fs_be32(super + H_TYPE);
	if (fs_be32(super) != MAGIC || (type != TYPE_SUPER1 && type != TYPE_SUPER2))
		return nonsense(err, "no superblock");
	journal->total = fs_be32(super + S_LENGTH);
	journal->first = fs_be32(super + S_FIRST);
	journal->start = fs_be32(super + S_START);
	journal->sequence = fs_be32(super + S_SEQUENCE);
	if (type == TYPE_SUPER2) {
		journal->incompat = fs_be32(super + S_INCOMPAT);
		journal->head = fs_be32(super + S_HEAD);
		fast = fs_be32(super + S_FAST_BLOCKS);
	}
	if (!(journal->incompat & INCOMPAT_FAST_COMMIT))
		fast = 0;
	else if (!fast)
		fast = FAST_BLOCKS;
	if (fs_be32(super + S_BLOCK_SIZE) != journal->map->block_size ||
	    journal->total > blockmap_end(journal->map) || fast >= journal->total)
		return nonsense(err, "of another size than its file");
	journal->end = journal->total - fast;
	if (!journal->first || journal->first >= journal->end || journal->start >= journal->end)
		return nonsense(err, "begins or ends out of place");
	if (journal->head < journal->first || journal->head >= journal->end)
		journal->head = journal->first;
	return 0;
}

/* How many blocks follow the descriptor BLOCK (journal_tag_bytes() and count_tags() of jbd2). */
static uint32_t count_tags(const struct journal *journal, const unsigned char *block)
{
	uint32_t size = journal->map->block_size, count = 0;
	uint32_t tag = 8, flags_at = 6, at = HEADER_SIZE;

	if (journal->incompat & INCOMPAT_CSUM_V3) {
		tag = 16;
	} else {
		tag += journal->incompat & INCOMPAT_CSUM_V2 ? 2 : 0;
		tag += journal->incompat & INCOMPAT_64BIT ? 4 : 0;
	}
	if (journal->incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3))
		size -= 4; /* the checksum at the end */
	while (at + tag <= size) {
		uint32_t flags = (uint32_t)fs_be(block + at + flags_at, 2);

		count++;
		if (flags & TAG_LAST)
			break;
		at += tag + (flags & TAG_SAME_UUID ? 0 : UUID_SIZE);
	}
	return count;
}

static uint32_t advance(const struct journal *journal, uint32_t block, uint32_t count)
{
	uint32_t ring = journal->end - journal->first;

	return journal->first + (uint32_t)(((uint64_t)block - journal->first + count) % ring);
}

/* The block behind the last transaction, of which the end may be missing. */
static int find_head(const struct journal *journal, uint32_t *ret, struct error *err)
{
	unsigned char *block = malloc(journal->map->block_size);
	uint32_t sequence = journal->sequence, at = journal->start;
	uint64_t passed = 0;
	int code = 0;

	if (!block)
		return error_set(err, ENOMEM, "no memory");
	while (passed <= journal->total) {
		uint32_t step = 1;

		code = read_block(journal, at, block, journal->map->block_size, err);
		if (code || fs_be32(block) != MAGIC || fs_be32(block + H_SEQUENCE) != sequence)
			break;
		if (fs_be32(block + H_TYPE) == TYPE_DESCRIPTOR)
			step += count_tags(journal, block);
		else if (fs_be32(block + H_TYPE) == TYPE_COMMIT)
			sequence++;
		else if (fs_be32(block + H_TYPE) != TYPE_REVOKE)
			break;
		passed += step;
		at = advance(journal, at, step);
	}
	free(block);
	*ret = at;
	return code;
}

/* Around the head, with room for what A itself still writes. */
static int watch_window(const struct journal *journal, uint32_t head, struct extents *ret,
			struct error *err)
{
	uint64_t ring = journal->end - journal->first;
	uint64_t length = FS_LOG_WHOLE / journal->map->block_size;
	uint64_t before = FS_LOG_BEFORE / journal->map->block_size;
	uint64_t start = (head - journal->first + ring - before) % ring;
	uint64_t part = ring - start < length ? ring - start : length;
	int code =
		blockmap_watch(journal->map, journal->disk, journal->first + start, part, ret, err);

	if (!code && part < length)
		code = blockmap_watch(journal->map, journal->disk, journal->first, length - part,
				      ret, err);
	return code;
}

int jbd2_watch(const struct disk *disk, const struct blockmap *map, uint32_t super,
	       struct extents *ret, struct error *err)
{
	struct journal journal = { .disk = disk, .map = map, .super = super };
	uint64_t fast = FAST_COMMIT_MAX / map->block_size;
	uint32_t head = 0;
	int code = read_super(&journal, err);

	if (code)
		return code;
	if ((uint64_t)journal.total * map->block_size <= FS_LOG_WHOLE)
		return blockmap_watch(map, disk, 0, journal.total, ret, err);
	head = journal.head;
	if (journal.start)
		code = find_head(&journal, &head, err);
	if (!code)
		code = blockmap_watch(map, disk, super, 1, ret, err);
	if (!code)
		code = watch_window(&journal, head, ret, err);
	if (fast > journal.total - journal.end)
		fast = journal.total - journal.end;
	return code ? code : blockmap_watch(map, disk, journal.end, fast, ret, err);
}
