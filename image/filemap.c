/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map of a file that holds images. */
#include "image/filemap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/crc32c.h"
#include "common/printable.h"
#include "image/internal.h"

static int damaged(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "map of the file damaged: %s", what);
}

static uint32_t map_crc(struct image_map *map)
{
	uint32_t stored = map->crc, crc;

	map->crc = 0;
	crc = crc32c(0, map, sizeof(*map));
	map->crc = stored;
	return crc;
}

static int compare_offsets(const void *a, const void *b)
{
	const struct image_filemap_extent *one = a, *other = b;

	return one->offset < other->offset ? -1 : one->offset > other->offset;
}

/* No byte of the device in two of them: what is written as the one would change the other. */
static int check_apart(const struct image_map *map, struct error *err)
{
	struct image_filemap_extent *sorted = malloc(sizeof(map->extents));
	bool apart = true;

	if (!sorted)
		return error_set(err, ENOMEM, "no memory");
	memcpy(sorted, map->extents, sizeof(map->extents));
	qsort(sorted, map->extent_count, sizeof(*sorted), compare_offsets);
	for (uint32_t i = 1; i < map->extent_count; i++)
		apart &= sorted[i].offset - sorted[i - 1].offset >= sorted[i - 1].length;
	free(sorted);
	return apart ? 0 : damaged(err, "extents overlap");
}

static int check_extents(const struct image_map *map, struct error *err)
{
	const struct image_filemap_extent *extent = map->extents;
	uint64_t size = 0;

	if (!map->extent_count || map->extent_count > IMAGE_MAP_EXTENTS)
		return damaged(err, "impossible number of extents");
	if (extent->offset != map->place || extent->length < IMAGE_MAP_SIZE)
		return damaged(err, "it does not lie in the first extent");
	for (uint32_t i = 0; i < map->extent_count; i++, extent++) {
		if (!extent->length || extent->offset % IMAGE_BLOCK ||
		    extent->length % IMAGE_BLOCK ||
		    !safe_within(extent->offset, extent->length, INT64_MAX) ||
		    !safe_within(size, extent->length, INT64_MAX))
			return damaged(err, "impossible extent");
		size += extent->length;
	}
	if (!safe_is_zero(extent,
			  (size_t)(IMAGE_MAP_EXTENTS - map->extent_count) * sizeof(*extent)))
		return damaged(err, "reserved bytes are not zero");
	return check_apart(map, err);
}

static int check_map(struct image_map *map, struct error *err)
{
	if (memcmp(map->magic, IMAGE_MAP_MAGIC, sizeof(map->magic)))
		return error_set(err, ENOMEDIUM, "no file that is claimed for images");
	if (map->crc != map_crc(map))
		return damaged(err, "checksum mismatch");
	if (map->version != IMAGE_MAP_VERSION)
		return error_set(err, ENOTSUP, "map of the file: version %u is not supported",
				 map->version);
	if (map->reserved0 || !safe_is_zero(map->reserved1, sizeof(map->reserved1)))
		return damaged(err, "reserved bytes are not zero");
	if (!safe_is_text(map->device, sizeof(map->device)) ||
	    !safe_is_text(map->path, sizeof(map->path)))
		return damaged(err, "text without an end");
	printable(map->device);
	printable(map->path);
	return check_extents(map, err);
}

int filemap_read(const struct disk *disk, uint64_t place, struct image_map *ret, struct error *err)
{
	int code;

	if (place % IMAGE_BLOCK || !safe_within(place, IMAGE_MAP_SIZE, disk->size))
		return error_set(err, ENOMEDIUM, "no file that is claimed for images");
	code = disk_read(disk, ret, IMAGE_MAP_SIZE, place, err);
	return code ? code : check_map(ret, err);
}

int filemap_write(const struct disk *disk, uint64_t place, struct image_map *map, struct error *err)
{
	int code;

	memcpy(map->magic, IMAGE_MAP_MAGIC, sizeof(map->magic));
	map->version = IMAGE_MAP_VERSION;
	map->crc = map_crc(map);
	code = disk_write(disk, map, IMAGE_MAP_SIZE, place, err);
	return code ? code : disk_flush(disk, err);
}

int filemap_narrow(struct disk *disk, const struct image_map *map, struct error *err)
{
	struct disk_range *ranges = calloc(map->extent_count, sizeof(*ranges));
	size_t first = map->extents[0].length == IMAGE_MAP_SIZE;
	int code;

	if (!ranges)
		return error_set(err, ENOMEM, "no memory");
	for (uint32_t i = 0; i < map->extent_count; i++)
		ranges[i] = (struct disk_range){ map->extents[i].offset, map->extents[i].length };
	ranges[0].offset += IMAGE_MAP_SIZE;
	ranges[0].length -= IMAGE_MAP_SIZE;
	code = disk_narrow(disk, ranges + first, map->extent_count - first, err);
	free(ranges);
	return code;
}

/* --- without the file system --- */

static bool is_head_of(const struct image_head *head, const struct image_map *map)
{
	return !memcmp(head->magic, IMAGE_MAGIC, sizeof(head->magic)) &&
	       !memcmp(head->device_uuid, map->device_uuid, sizeof(map->device_uuid));
}

/*
 * Blocks of a file that was removed may be another's by now, one by one. The superblocks are the
 * only ones that are written before all that is read has a checksum, so neither may be anything
 * else. One of them has no head for a moment when it is mended (clear_head() in super-write.c).
 */
static int check_claim(const struct disk *disk, const struct image_map *map, struct error *err)
{
	struct image_head *head = disk_buffer(IMAGE_BLOCK);
	unsigned heads = 0, cleared = 0;
	int code = 0;

	if (!head)
		return error_set(err, ENOMEM, "no memory");
	for (int i = 0; i < 2 && !code; i++) {
		code = disk_read(disk, head, IMAGE_BLOCK, i ? IMAGE_SUPER1 : IMAGE_SUPER0, err);
		heads += !code && is_head_of(head, map);
		cleared += !code && safe_is_zero(head, sizeof(*head));
	}
	free(head);
	if (!code && (!heads || heads + cleared < 2))
		code = error_set(err, EUCLEAN,
				 "is not where %s was any more, or not claimed to the end",
				 map->path);
	return code;
}

static int enter_device(const char *device, uint64_t place, struct disk *disk,
			struct image_map *map, struct error *err)
{
	char name[sizeof(disk->name)];
	int code = filemap_read(disk, place, map, err);

	if (code)
		return code;
	if (map->place != place)
		return error_set(err, EUCLEAN,
				 "map of the file: is a copy, that of %s lies at %llu", map->path,
				 (unsigned long long)map->place);
	if (!strncmp(device, "UUID=", 5) && strcasecmp(device, map->device))
		return error_set(err, EUCLEAN, "map of the file: is a copy, that of %s lies on %s",
				 map->path, map->device);
	code = filemap_narrow(disk, map, err);
	if (!code && disk->size < IMAGE_MIN_SIZE)
		code = error_set(err, EUCLEAN, "map of the file: too small");
	if (!code)
		code = check_claim(disk, map, err);
	if (code)
		return code;
	snprintf(name, sizeof(name), "%.180s on %.60s", map->path, disk->name);
	memcpy(disk->name, name, sizeof(name));
	return 0;
}

/* As the system sees it whose file it is: also a copy, of which the map is not true. */
static int enter_file(struct disk *disk, struct image_map *map, struct error *err)
{
	struct disk_range range = { IMAGE_MAP_SIZE, disk->size - IMAGE_MAP_SIZE };
	int code = filemap_read(disk, 0, map, err);

	if (code == -ENOMEDIUM)
		return 0;
	return code ? code : disk_narrow(disk, &range, 1, err);
}

static bool is_file(const struct disk *disk)
{
	struct stat st;

	return !fstat(disk->fd, &st) && S_ISREG(st.st_mode) && disk->size > IMAGE_MAP_SIZE;
}

int filemap_enter(const char *spec, struct disk *disk, struct error *err)
{
	bool named = false;
	char device[64];
	uint64_t place;
	struct image_map *map;
	int code;

	named = disk_spec_is_file(spec, device, sizeof(device), &place);
	if (!named && !is_file(disk))
		return 0;
	map = disk_buffer(sizeof(*map));
	if (!map)
		code = error_set(err, ENOMEM, "no memory");
	else
		code = named ? enter_device(device, place, disk, map, err)
			     : enter_file(disk, map, err);
	if (code) {
		error_prefix(err, "%s", disk->name);
		disk_close(disk);
	}
	free(map);
	return code;
}

int filemap_open(const char *spec, enum disk_mode mode, struct disk *disk, struct error *err)
{
	char path[sizeof(disk->name)];
	int code = disk_find(spec, path, sizeof(path), err);

	disk->fd = -1;
	if (!code)
		code = disk_open(path, mode, disk, err);
	return code ? code : filemap_enter(spec, disk, err);
}
