/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of a file on its device. */
#include "kjump/fs/blockmap.h"

#include <errno.h>
#include <stdlib.h>

#include "common/safe.h"

uint64_t blockmap_end(const struct blockmap *map)
{
	return map->n ? map->runs[map->n - 1].first + map->runs[map->n - 1].count : 0;
}

static int grow(struct blockmap *map, struct error *err)
{
	size_t room = map->room ? 2 * map->room : 16;
	struct blockmap_run *runs;

	if (map->n < map->room)
		return 0;
	if (map->n == BLOCKMAP_MAX)
		return error_set(err, EUCLEAN, "a file in too many pieces");
	runs = reallocarray(map->runs, room, sizeof(*runs));
	if (!runs)
		return error_set(err, ENOMEM, "no memory");
	map->runs = runs;
	map->room = room;
	return 0;
}

int blockmap_add(struct blockmap *map, uint64_t first, uint64_t start, uint64_t count,
		 struct error *err)
{
	struct blockmap_run *last = map->n ? &map->runs[map->n - 1] : NULL;
	int code;

	if (!count || first < blockmap_end(map) || !safe_within(first, count, INT64_MAX) ||
	    !safe_within(start, count, INT64_MAX))
		return error_set(err, EUCLEAN, "a file whose blocks are out of order");
	if (last && last->first + last->count == first && last->start + last->count == start) {
		last->count += count;
		return 0;
	}
	code = grow(map, err);
	if (!code)
		map->runs[map->n++] = (struct blockmap_run){ first, start, count };
	return code;
}

void blockmap_free(struct blockmap *map)
{
	free(map->runs);
	map->runs = NULL;
	map->n = map->room = 0;
}

int blockmap_find(const struct blockmap *map, uint64_t offset, uint64_t *ret, struct error *err)
{
	uint64_t block = offset / map->block_size;

	for (size_t i = 0; i < map->n; i++) {
		const struct blockmap_run *run = &map->runs[i];

		if (block < run->first || block - run->first >= run->count)
			continue;
		if (!safe_mul(run->start + (block - run->first), map->block_size, ret) ||
		    !safe_add(*ret, offset % map->block_size, ret))
			break;
		return 0;
	}
	return error_set(err, EUCLEAN, "a file with a hole");
}

int blockmap_watch(const struct blockmap *map, const struct disk *disk, uint64_t first,
		   uint64_t count, struct extents *ret, struct error *err)
{
	int code = 0;

	for (size_t i = 0; i < map->n && !code; i++) {
		const struct blockmap_run *run = &map->runs[i];
		uint64_t from = run->first > first ? run->first : first;
		uint64_t to = run->first + run->count;
		uint64_t offset, length;

		if (to > first + count)
			to = first + count;
		if (from >= to)
			continue;
		if (!safe_mul(run->start + (from - run->first), map->block_size, &offset) ||
		    !safe_mul(to - from, map->block_size, &length))
			return error_set(err, EUCLEAN, "points beyond the end of the device");
		code = fs_add(disk, ret, offset, length, err);
	}
	return code;
}
