/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Swap areas. Whoever takes one over writes its header or, as another boot with the same area does,
 * only pages. Against that kernel B seals the header where it can; samples of the area tell of it
 * where it cannot.
 */
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "disk/disk.h"
#include "disk/swapseal.h"
#include "disk/sysfs.h"
#include "kjump/fs/blockmap.h"
#include "kjump/paths.h"
#include "kjump/watch/internal.h"

#define SECTOR 512

/* The first slots are used first; the samples are for areas that were half full before. */
#define HEAD_LENGTH   1048576
#define SAMPLE_LENGTH 65536
#define SAMPLES	      15

#define EXTENTS_AT_ONCE 128
#define EXT4_MAGIC	0xef53
#define XFS_MAGIC	0x58465342

struct area {
	struct subject subject;
	char name[BLOCK_NAME_SIZE];
	struct blockmap map; /* sectors of the area on the device */
	bool in_file;
};

/* --- where it lies --- */

static int map_device(struct area *area, struct error *err)
{
	long long sectors = sysfs_number(area->name, "size");

	if (sectors <= 0)
		return error_set(err, ENODEV, "%s: no size", area->name);
	return blockmap_add(&area->map, 0, 0, (uint64_t)sectors, err);
}

static int map_extents(int fd, struct fiemap *buffer, struct area *area, struct error *err)
{
	uint64_t at = 0;
	bool last = false;
	int code = 0;

	while (!last && !code) {
		memset(buffer, 0, sizeof(*buffer));
		buffer->fm_start = at;
		buffer->fm_length = FIEMAP_MAX_OFFSET - at;
		buffer->fm_extent_count = EXTENTS_AT_ONCE;
		if (ioctl(fd, FS_IOC_FIEMAP, buffer))
			return error_errno(err, "%s", area->subject.where);
		last = !buffer->fm_mapped_extents;
		for (unsigned i = 0; i < buffer->fm_mapped_extents && !code; i++) {
			const struct fiemap_extent *extent = &buffer->fm_extents[i];

			at = extent->fe_logical + extent->fe_length;
			last = extent->fe_flags & FIEMAP_EXTENT_LAST;
			code = blockmap_add(&area->map, extent->fe_logical / SECTOR,
					    extent->fe_physical / SECTOR,
					    extent->fe_length / SECTOR, err);
		}
	}
	return code;
}

/* False when the file system gives no places on one device: then it is watched in its stead. */
static bool has_places(int fd, const struct stat *st)
{
	struct statfs fs;

	return major(st->st_dev) && !fstatfs(fd, &fs) &&
	       (fs.f_type == EXT4_MAGIC || fs.f_type == XFS_MAGIC);
}

static int map_file(int fd, const struct stat *st, struct area *area, struct error *err)
{
	struct fiemap *buffer;
	int code = sysfs_name(major(st->st_dev), minor(st->st_dev), area->name, err);

	if (code)
		return code;
	buffer = malloc(sizeof(*buffer) + EXTENTS_AT_ONCE * sizeof(struct fiemap_extent));
	if (!buffer)
		return error_set(err, ENOMEM, "no memory");
	code = map_extents(fd, buffer, area, err);
	free(buffer);
	return code;
}

/* What lies in memory is saved with it; but zram may put pages on a device. */
static bool find_backing(char name[BLOCK_NAME_SIZE])
{
	char path[256];
	struct stat st;
	struct error ignored = { 0 };

	return sysfs_text(name, "backing_dev", path, sizeof(path)) && path[0] == '/' &&
	       !stat(path, &st) && S_ISBLK(st.st_mode) &&
	       !sysfs_name(major(st.st_rdev), minor(st.st_rdev), name, &ignored);
}

/* *FOUND: there is something to watch that nobody else watches. */
static int locate(struct area *area, bool *found, struct error *err)
{
	int fd = open(area->subject.where, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int code = 0;

	*found = false;
	if (fd < 0 && errno == EACCES)
		return error_errno(err, "%s", area->subject.where);
	if (fd < 0 || fstat(fd, &st)) {
		if (fd >= 0)
			close(fd);
		return error_set(err, ENOTSUP, "not found under this name any more");
	}
	if (S_ISBLK(st.st_mode)) {
		code = sysfs_name(major(st.st_rdev), minor(st.st_rdev), area->name, err);
		*found =
			!code && (strncmp(area->name, "zram", 4) ? true : find_backing(area->name));
		if (*found)
			code = map_device(area, err);
	} else if (has_places(fd, &st)) {
		code = map_file(fd, &st, area, err);
		area->in_file = true;
		*found = !code;
	}
	close(fd);
	return code;
}

/* --- what is watched --- */

static int watch_part(struct resolver *resolver, const struct area *area, uint64_t first,
		      uint64_t count, struct error *err)
{
	int code = 0;

	for (size_t i = 0; i < area->map.n && !code; i++) {
		const struct blockmap_run *run = &area->map.runs[i];
		uint64_t from = run->first > first ? run->first : first;
		uint64_t to = run->first + run->count;

		if (to > first + count)
			to = first + count;
		if (from < to)
			code = watch_bytes(resolver, &area->subject,
					   (run->start + from - run->first) * SECTOR,
					   (to - from) * SECTOR, err);
	}
	return code;
}

/* The header page, if kernel B can write to it and nothing else lies there. */
static void add_seal(struct resolver *resolver, const struct area *area)
{
	const struct blockmap_run *run = area->map.runs;
	struct watch *seal = &resolver->seals[resolver->seal_count];

	if (resolver->seal_count == WATCH_SEALS_MAX || run->first ||
	    run->count < SWAP_PAGE / SECTOR)
		return;
	/* A device that is swapped to is written to by way of this one (kjump/save/areas.h). */
	if (!area->in_file && access(PATH_SNAPSHOT, F_OK))
		return;
	if (watch_place(resolver, &area->subject, run->start * SECTOR, SWAP_PAGE, seal) &&
	    swap_is_open(seal))
		resolver->seal_count++;
}

static int watch_area(struct resolver *resolver, const struct area *area, struct error *err)
{
	uint64_t size = blockmap_end(&area->map);
	int code;

	if (!area->map.n)
		return 0;
	add_seal(resolver, area);
	code = watch_part(resolver, area, 0, HEAD_LENGTH / SECTOR, err);
	for (unsigned i = 1; i <= SAMPLES && !code; i++)
		code = watch_part(resolver, area, size / (SAMPLES + 1) * i, SAMPLE_LENGTH / SECTOR,
				  err);
	return code ? code : watch_layers(resolver, &area->subject, err);
}

static int watch_line(struct resolver *resolver, struct libmnt_fs *fs, struct error *err)
{
	const char *path = mnt_fs_get_source(fs);
	struct area area = { .map = { .block_size = SECTOR } };
	bool found = false;
	int code;

	area.subject = (struct subject){ path ? path : "", "swap", area.name };
	code = locate(&area, &found, err);
	if (!code && *area.name)
		code = known_add(resolver, area.name, err);
	if (!code && found)
		code = watch_area(resolver, &area, err);
	blockmap_free(&area.map);
	if (code != -ENOTSUP)
		return code;
	area.name[0] = '\0';
	doubt_add(resolver, &area.subject, err->text, false);
	return 0;
}

int watch_swap(struct resolver *resolver, const char *swaps, struct error *err)
{
	struct libmnt_table *table;
	struct libmnt_iter *next;
	struct libmnt_fs *fs;
	int code = 0;

	if (access(swaps, F_OK)) /* a kernel without swap */
		return 0;
	table = mnt_new_table();
	next = mnt_new_iter(MNT_ITER_FORWARD);
	if (!table || !next)
		code = error_set(err, ENOMEM, "no memory");
	else if (mnt_table_parse_swaps(table, swaps))
		code = error_set(err, EIO, "%s: cannot be read", swaps);
	while (!code && !mnt_table_next_fs(table, next, &fs))
		code = watch_line(resolver, fs, err);
	mnt_free_iter(next);
	mnt_unref_table(table);
	return code;
}
