/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding, comparing and opening a claimed file. */
#include "kjump/file/claimed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/filemap.h"
#include "kjump/file/layout.h"
#include "kjump/watch/tag.h"
#include "kjump/watch/volume.h"

bool claimed_spec(const struct holder *holder, uint64_t place, char *spec, size_t size)
{
	int length = snprintf(spec, size, "%s@%" PRIu64, holder->tag, place);

	return length > 0 && (size_t)length < size;
}

/* --- which file --- */

/* The map in the file PATH, as its file system shows it. */
static int read_map(const char *path, struct image_map *map, struct error *err)
{
	struct disk disk;
	int code = disk_open(path, DISK_READ, &disk, err);

	if (code)
		return code;
	code = filemap_read(&disk, 0, map, err);
	disk_close(&disk);
	return code ? error_prefix(err, "%s", path) : 0;
}

static int find_by_path(const char *path, struct image_map *map, struct error *err)
{
	struct error unread = { 0 };
	struct stat st;
	int code;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return 0;
	code = read_map(path, map, &unread);
	if (code && code != -ENOMEDIUM)
		*err = unread;
	return !code ? 1 : code == -ENOMEDIUM ? 0 : code;
}

/* By the path that the map on the device has, if that is still the file that it is the map of. */
static int find_by_place(const char *spec, uint64_t place, struct image_map *map, struct error *err)
{
	char node[256];
	struct image_map *own;
	struct disk disk;
	int code = disk_find(spec, node, sizeof(node), err);

	if (!code)
		code = disk_open(node, DISK_READ, &disk, err);
	if (code)
		return code;
	code = filemap_read(&disk, place, map, err);
	disk_close(&disk);
	if (code)
		return error_prefix(err, "%s", spec);
	own = disk_buffer(sizeof(*own));
	if (!own)
		return error_set(err, ENOMEM, "no memory");
	code = read_map(map->path, own, err);
	if (!code && (own->place != place || map->place != place ||
		      memcmp(own->device_uuid, map->device_uuid, sizeof(map->device_uuid))))
		code = error_set(err, ESTALE, "%s: was %s once, which lies elsewhere now", spec,
				 map->path);
	free(own);
	return code ? code : 1;
}

int claimed_find(const char *spec, char *path, size_t size, struct error *err)
{
	struct image_map *map = disk_buffer(sizeof(*map));
	bool by_place;
	char device[64];
	uint64_t place;
	int ret;

	if (!map)
		return error_set(err, ENOMEM, "no memory");
	by_place = disk_spec_is_file(spec, device, sizeof(device), &place);
	ret = by_place ? find_by_place(spec, place, map, err) : find_by_path(spec, map, err);
	if (ret > 0 && (size_t)snprintf(path, size, "%s", by_place ? map->path : spec) >= size)
		ret = error_set(err, ENAMETOOLONG, "%s: path too long", spec);
	free(map);
	return ret;
}

/* --- is it true --- */

#define AGAIN "'kjump format --file --force' claims it anew"

static int compare(const struct image_map *map, const struct holder *holder,
		   const struct layout *layout, struct error *err)
{
	if (strcasecmp(map->device, holder->tag))
		return error_set(err, ESTALE, "was claimed on %s and lies on %s now; " AGAIN,
				 map->device, holder->tag);
	if (map->extent_count != layout->count ||
	    memcmp(map->extents, layout->extents, layout->count * sizeof(*layout->extents)))
		return error_set(err, ESTALE,
				 "does not lie where it lay when it was claimed (copied, "
				 "defragmented, resized?); " AGAIN);
	return 0;
}

/* The kernel may forbid what kernels B and C need not ask for: writing beneath a file system. */
static int open_device(const struct holder *holder, struct disk *disk, struct error *err)
{
	int code = disk_open(holder->node, DISK_SHARED, disk, err);

	if (code == -EBUSY || code == -EPERM)
		return error_set(err, EPERM,
				 "%s is mounted, and this kernel lets nobody write to it then; "
				 "start it with bdev_allow_write_mounted=1",
				 holder->node);
	return code;
}

static int open_checked(int fd, const char *path, struct image_map *map, struct disk *disk,
			struct claimed_file *ret, struct error *err)
{
	struct layout layout = { 0 };
	int code = holder_find(fd, &ret->holder, err);

	if (!code)
		code = holder_check_file(fd, &ret->holder, err);
	if (!code && ret->holder.kind != HOLDER_VFAT && !holder_is_fixed(fd))
		code = error_set(err, EPERM,
				 "is not immutable any more, so it may be changed; 'chattr +i' "
				 "makes it so");
	if (!code)
		code = layout_read(fd, &ret->holder, &layout, err);
	if (!code)
		code = read_map(path, map, err);
	if (!code)
		code = compare(map, &ret->holder, &layout, err);
	layout_free(&layout);
	if (!code && !claimed_spec(&ret->holder, map->place, ret->spec, sizeof(ret->spec)))
		code = error_set(err, ENAMETOOLONG, "lies on %s, whose name is too long",
				 ret->holder.tag);
	if (!code)
		code = open_device(&ret->holder, disk, err);
	if (code)
		return code;
	code = filemap_enter(ret->spec, disk, err);
	if (!code && disk_keep(disk, fd, err)) {
		code = -err->code;
		disk_close(disk);
	}
	return code;
}

int claimed_open(const char *path, struct disk *disk, struct claimed_file *ret, struct error *err)
{
	struct claimed_file ignored;
	struct image_map *map = disk_buffer(sizeof(*map));
	int fd, code;

	if (!ret)
		ret = &ignored;
	if (!map)
		return error_set(err, ENOMEM, "no memory");
	disk->fd = -1;
	snprintf(ret->path, sizeof(ret->path), "%s", path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		code = error_errno(err, "cannot open");
	} else {
		code = open_checked(fd, path, map, disk, ret, err);
		if (code)
			close(fd);
	}
	if (!code)
		snprintf(disk->name, sizeof(disk->name), "%s", path);
	free(map);
	return code ? error_prefix(err, "%s", path) : 0;
}

/* --- on the disks at the bottom --- */

/* The device as a whole, when it is no volume. */
static int describe_device(const struct claimed_file *file, struct watch *ret, struct error *err)
{
	*ret = (struct watch){ .length = INT64_MAX };
	return tag_of(strrchr(file->holder.node, '/') + 1, ret->tag, sizeof(ret->tag), err);
}

/* Append the part of EXTENT that lies in PIECE, which begins at byte START of the device. */
static void add_part(const struct image_filemap_extent *extent, const struct watch *piece,
		     uint64_t start, struct watch *list, size_t *count)
{
	uint64_t from = extent->offset > start ? extent->offset : start;
	uint64_t to = extent->offset + extent->length, end = start + piece->length;

	if (to > end)
		to = end;
	if (from >= to)
		return;
	list[*count] = *piece;
	list[*count].offset = piece->offset + (from - start);
	list[*count].length = to - from;
	(*count)++;
}

static int list_extents(const struct claimed_file *file, const struct image_map *map,
			struct watch **ret, size_t *count, struct error *err)
{
	const struct watch *pieces = file->holder.pieces;
	size_t piece_count = file->holder.piece_count;
	uint64_t start = 0;
	struct watch device;

	if (!piece_count) {
		if (describe_device(file, &device, err))
			return -err->code;
		pieces = &device;
		piece_count = 1;
	}
	*count = 0;
	*ret = calloc(map->extent_count + piece_count, sizeof(**ret));
	if (!*ret)
		return error_set(err, ENOMEM, "no memory");
	for (size_t i = 0; i < piece_count; i++) {
		/* An extent is cut at most where a piece ends. */
		for (uint32_t j = 0; j < map->extent_count; j++)
			add_part(&map->extents[j], &pieces[i], start, *ret, count);
		start += pieces[i].length;
	}
	return 0;
}

int claimed_exclude(const struct claimed_file *file, struct watch *watch, size_t max, size_t *count,
		    struct error *err)
{
	struct image_map *map = disk_buffer(sizeof(*map));
	struct watch *extents = NULL;
	size_t extent_count = 0;
	int code;

	if (!map)
		return error_set(err, ENOMEM, "no memory");
	code = read_map(file->path, map, err);
	if (!code)
		code = list_extents(file, map, &extents, &extent_count, err);
	if (!code)
		code = volume_exclude(extents, extent_count, watch, max, count, err);
	free(extents);
	free(map);
	return code;
}
