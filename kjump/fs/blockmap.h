/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the blocks of a file lie on its device.
 */
#ifndef KJUMP_FS_BLOCKMAP_H
#define KJUMP_FS_BLOCKMAP_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "kjump/fs/extents.h"

/* COUNT blocks of the file from its block FIRST on, at block START of the device. */
struct blockmap_run {
	uint64_t first, start, count;
};

/* Runs in the order of the file; blocks in none of them are holes. Zeroed, it is empty. */
struct blockmap {
	uint32_t block_size;
	struct blockmap_run *runs;
	size_t n, room;
};

/* Runs that a map may have; more is nonsense, or nothing that could be watched. */
#define BLOCKMAP_MAX 65536

/* Append COUNT blocks behind all others: EUCLEAN when FIRST is not behind them, or too many. */
int blockmap_add(struct blockmap *map, uint64_t first, uint64_t start, uint64_t count,
		 struct error *err);
void blockmap_free(struct blockmap *map);

/* Where byte OFFSET of the file lies on the device; EUCLEAN in a hole. */
int blockmap_find(const struct blockmap *map, uint64_t offset, uint64_t *ret, struct error *err);

/* Append to RET where COUNT blocks of the file from FIRST on lie. */
int blockmap_watch(const struct blockmap *map, const struct disk *disk, uint64_t first,
		   uint64_t count, struct extents *ret, struct error *err);

/* The number of the block behind the last one. */
uint64_t blockmap_end(const struct blockmap *map);

#endif
