/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file, from nothing to where images go. */
#include "kjump/file/make.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/printable.h"
#include "common/safe.h"
#include "common/signals.h"
#include "image/filemap.h"
#include "kjump/claim.h"
#include "kjump/file/layout.h"
#include "text/human.h"
#include "text/meter.h"

#define STEP (4U << 20)

/* --- every byte has a place --- */

static int write_zeros(const struct disk *file, bool quiet, struct error *err)
{
	void *zeros = disk_buffer(STEP);
	struct meter meter;
	int code = 0;

	if (!zeros)
		return error_set(err, ENOMEM, "no memory");
	meter_start(&meter, file->name, file->size, quiet);
	for (uint64_t at = 0; at < file->size && !code; at += STEP) {
		size_t part = file->size - at < STEP ? (size_t)(file->size - at) : STEP;

		code = signals_waiting() ? error_set(err, ECANCELED, "stopped")
					 : disk_write(file, zeros, part, at, err);
		meter_add(&meter, part);
	}
	meter_stop(&meter);
	free(zeros);
	return code ? code : disk_flush(file, err);
}

/* In as few pieces as there is room for. vfat and old file systems do it by the writing. */
static int allocate(int fd, uint64_t size, struct error *err)
{
	char wanted[HUMAN_SIZE], room[HUMAN_SIZE];
	struct statvfs fs;

	if (!fstatvfs(fd, &fs) && (uint64_t)fs.f_bavail * fs.f_frsize < size)
		return error_set(err, ENOSPC, "no room for %s, only for %s",
				 human_bytes(size, wanted),
				 human_bytes((uint64_t)fs.f_bavail * fs.f_frsize, room));
	if (!fallocate(fd, 0, 0, (off_t)size))
		return 0;
	if (errno == EFBIG)
		return error_set(err, EFBIG,
				 "its file system has no files of %s (vfat ends below 4 GiB)",
				 human_bytes(size, wanted));
	if (errno != EOPNOTSUPP || ftruncate(fd, (off_t)size))
		return error_errno(err, "no room");
	return 0;
}

/* --- is it true what the file system told --- */

/* A page that is nowhere else: of extent NUMBER, its first or last one. */
static void make_mark(const uint8_t uuid[16], uint32_t number, unsigned end, unsigned char *page)
{
	for (size_t at = 0; at < IMAGE_BLOCK; at += 32) {
		memcpy(page + at, uuid, 16);
		memcpy(page + at + 16, &number, sizeof(number));
		memcpy(page + at + 20, &end, sizeof(end));
	}
}

struct proof {
	const struct disk *file, *device;
	const struct layout *layout;
	uint8_t uuid[16];
	unsigned char *page, *mark;
};

/* Do something with the first and the last page of each extent: in the file, and on the device. */
static int each_end(const struct proof *proof,
		    int (*visit)(const struct proof *proof, uint64_t in_file, uint64_t on_device,
				 struct error *err),
		    struct error *err)
{
	uint64_t start = 0;
	int code = 0;

	for (uint32_t i = 0; i < proof->layout->count && !code; i++) {
		const struct image_filemap_extent *extent = &proof->layout->extents[i];

		for (unsigned end = 0; end < 2 && !code; end++) {
			uint64_t within = end ? extent->length - IMAGE_BLOCK : 0;

			make_mark(proof->uuid, i, extent->length > IMAGE_BLOCK ? end : 0,
				  proof->mark);
			code = visit(proof, start + within, extent->offset + within, err);
		}
		start += extent->length;
	}
	return code;
}

static int put_mark(const struct proof *proof, uint64_t in_file, uint64_t on_device,
		    struct error *err)
{
	(void)on_device;
	return disk_write(proof->file, proof->mark, IMAGE_BLOCK, in_file, err);
}

static int take_mark(const struct proof *proof, uint64_t in_file, uint64_t on_device,
		     struct error *err)
{
	(void)on_device;
	memset(proof->page, 0, IMAGE_BLOCK);
	return disk_write(proof->file, proof->page, IMAGE_BLOCK, in_file, err);
}

static int look_for_mark(const struct proof *proof, uint64_t in_file, uint64_t on_device,
			 struct error *err)
{
	int code = disk_read(proof->device, proof->page, IMAGE_BLOCK, on_device, err);

	if (code)
		return code;
	return memcmp(proof->page, proof->mark, IMAGE_BLOCK)
		       ? error_set(err, EUCLEAN,
				   "what is written to byte %llu of it does not come to byte %llu "
				   "of the device, as its file system tells",
				   (unsigned long long)in_file, (unsigned long long)on_device)
		       : 0;
}

/* Before anything is written beneath the file system for the first time. */
static int prove(const struct disk *file, const struct holder *holder, const struct layout *layout,
		 struct error *err)
{
	struct proof proof = { .file = file, .layout = layout };
	struct disk device;
	int code = disk_open(holder->node, DISK_READ, &device, err);

	if (code)
		return code;
	proof.device = &device;
	proof.page = disk_buffer(IMAGE_BLOCK);
	proof.mark = disk_buffer(IMAGE_BLOCK);
	if (!proof.page || !proof.mark)
		code = error_set(err, ENOMEM, "no memory");
	if (!code && getrandom(proof.uuid, sizeof(proof.uuid), 0) != sizeof(proof.uuid))
		code = error_errno(err, "random bytes");
	if (!code)
		code = each_end(&proof, put_mark, err);
	if (!code)
		code = disk_flush(file, err);
	if (!code)
		code = each_end(&proof, look_for_mark, err);
	if (!code)
		code = each_end(&proof, take_mark, err);
	if (!code)
		code = disk_flush(file, err);
	free(proof.page);
	free(proof.mark);
	disk_close(&device);
	return code;
}

/* --- the claim --- */

static int make_map(const char *path, const struct holder *holder, const struct layout *layout,
		    struct image_map *map, struct error *err)
{
	char real[PATH_MAX], copy[PATH_MAX];

	if (layout->extents[0].length < IMAGE_MAP_SIZE)
		return error_set(err, ENOTSUP, "its first %d bytes do not lie in one piece",
				 IMAGE_MAP_SIZE);
	if (!realpath(path, real))
		return error_errno(err, "path");
	strcpy(copy, real);
	if (strlen(real) >= sizeof(map->path) || strcmp(printable(copy), real))
		return error_set(err, EINVAL, "its path is too long, or not printable");
	memset(map, 0, sizeof(*map));
	map->place = layout->extents[0].offset;
	map->extent_count = layout->count;
	memcpy(map->extents, layout->extents, layout->count * sizeof(*layout->extents));
	strcpy(map->device, holder->tag);
	strcpy(map->path, real);
	return 0;
}

/*
 * The image's own superblocks by way of the file system as well: nobody else has the file open who
 * would see them in the page cache. Without the UUID in the map nobody follows it.
 */
static int write_claim(const struct disk *file, struct image_map *map, const char *label,
		       struct image_super *super, struct error *err)
{
	struct disk_range behind = { IMAGE_MAP_SIZE, file->size - IMAGE_MAP_SIZE };
	struct disk device = *file;
	int code = filemap_write(file, 0, map, err);

	device.fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	if (code || device.fd < 0)
		return code ? code : error_errno(err, "cannot open");
	code = disk_narrow(&device, &behind, 1, err);
	if (!code)
		code = image_format(&device, label, super, err);
	disk_close(&device);
	if (code)
		return code;
	memcpy(map->device_uuid, super->device_uuid, sizeof(map->device_uuid));
	return filemap_write(file, 0, map, err);
}

static int claim_layout(const struct file_wish *wish, const struct disk *file,
			const struct holder *holder, const struct layout *layout,
			struct image_super *super, struct error *err)
{
	struct image_map *map = disk_buffer(sizeof(*map));
	int code;

	if (!map)
		return error_set(err, ENOMEM, "no memory");
	code = make_map(wish->path, holder, layout, map, err);
	if (!code)
		code = prove(file, holder, layout, err);
	if (!code)
		code = write_claim(file, map, wish->label, super, err);
	free(map);
	return code;
}

/*
 * After a snapshot or a balance btrfs moves what it writes once more, whatever the file's flags are
 * (can_nocow_extent()); what is written here lies still from then on.
 */
static int settle_layout(const struct file_wish *wish, const struct disk *file,
			 const struct holder *holder, struct layout *layout, struct error *err)
{
	int code = 0;

	if (holder->kind != HOLDER_BTRFS || wish->size)
		code = layout_read(file->fd, holder, layout, err);
	else
		code = -ENODATA;
	if (code != -ENODATA)
		return code;
	code = write_zeros(file, wish->quiet, err);
	return code ? code : layout_read(file->fd, holder, layout, err);
}

/* FILE holds nothing, or nothing that matters. */
static int claim(const struct file_wish *wish, const struct disk *file, struct claimed_file *ret,
		 struct image_super *super, struct error *err)
{
	struct layout layout = { 0 };
	struct disk check;
	int code = holder_check_file(file->fd, &ret->holder, err);

	if (!code)
		code = settle_layout(wish, file, &ret->holder, &layout, err);
	if (code)
		return code;
	code = claim_layout(wish, file, &ret->holder, &layout, super, err);
	layout_free(&layout);
	if (!code && ret->holder.kind != HOLDER_VFAT)
		code = holder_fix(file->fd, true, err);
	if (code)
		return code;
	/* As kernels B and C will. */
	code = claimed_open(wish->path, &check, ret, err);
	if (!code)
		disk_close(&check);
	return code;
}

static int check_size(uint64_t size, struct error *err)
{
	if (size >= IMAGE_MIN_SIZE + IMAGE_MAP_SIZE)
		return 0;
	return error_set(err, ENOSPC, "too small: more than %d MiB are needed",
			 IMAGE_MIN_SIZE >> 20);
}

/* What image_format() would refuse is refused before anything is made or wiped. */
static int check_wish(const struct file_wish *wish, struct error *err)
{
	return wish->label ? image_label_check(wish->label, err) : 0;
}

static int make_new(const struct file_wish *wish, struct claimed_file *ret,
		    struct image_super *super, struct error *err)
{
	struct disk file = { .fd = -1 };
	int fd, code = check_size(wish->size, err);

	if (code)
		return code;
	fd = open(wish->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return error_set(err, EEXIST,
				 "is there already; without a size it is claimed as "
				 "it is");
	if (fd < 0)
		return error_errno(err, "cannot be made");
	code = holder_find(fd, &ret->holder, err);
	if (!code)
		code = holder_prepare(fd, &ret->holder, err);
	if (!code)
		code = allocate(fd, safe_round_up(wish->size, IMAGE_BLOCK), err);
	if (!code)
		code = disk_open(wish->path, DISK_WRITE, &file, err);
	if (!code)
		code = claim(wish, &file, ret, super, err);
	if (code) {
		struct error ignored;

		holder_fix(fd, false, &ignored);
		unlink(wish->path);
	}
	disk_close(&file);
	close(fd);
	return code;
}

/* Nothing is in it, or it was claimed before, or all of it may go. */
static int look(const struct file_wish *wish, const struct disk *file, struct error *err)
{
	struct image_map *map;
	int code;

	if (wish->force)
		return 0;
	map = disk_buffer(sizeof(*map));
	if (!map)
		return error_set(err, ENOMEM, "no memory");
	code = filemap_read(file, 0, map, err);
	free(map);
	if (code != -ENOMEDIUM)
		return error_set(err, EEXIST, "claimed by kjump already");
	return claim_look(file, err);
}

/* Let root write to it for as long as that takes: FD is closed with the flag as it was. */
static int take_old(const struct file_wish *wish, struct claimed_file *ret,
		    struct image_super *super, struct error *err)
{
	struct disk file = { .fd = -1 }, reading;
	bool fixed;
	int code, fd = -1;

	code = disk_open(wish->path, DISK_READ, &reading, err);
	if (code)
		return code;
	fd = reading.fd;
	fixed = holder_is_fixed(fd);
	code = claim_is_file(&reading) ? holder_find(fd, &ret->holder, err)
				       : error_set(err, ENOTSUP, "is no file");
	if (!code)
		code = check_size(reading.size, err);
	if (!code)
		code = look(wish, &reading, err);
	if (!code && fixed)
		code = holder_fix(fd, false, err);
	if (!code)
		code = disk_open(wish->path, DISK_WRITE, &file, err);
	if (!code)
		code = claim(wish, &file, ret, super, err);
	if (code && fixed) {
		struct error ignored;

		holder_fix(fd, true, &ignored);
	}
	disk_close(&file);
	disk_close(&reading);
	return code;
}

int file_make(const struct file_wish *wish, struct claimed_file *ret, struct image_super *super,
	      struct error *err)
{
	int code = check_wish(wish, err);

	memset(ret, 0, sizeof(*ret));
	if (!code)
		code = wish->size ? make_new(wish, ret, super, err)
				  : take_old(wish, ret, super, err);
	if (code && strncmp(err->text, wish->path, strlen(wish->path)))
		error_prefix(err, "%s", wish->path);
	return code;
}

int file_remove(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), code = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "%s", path);
	if (holder_is_fixed(fd))
		code = holder_fix(fd, false, err);
	if (!code && unlink(path))
		code = error_errno(err, "cannot be removed");
	close(fd);
	return code ? error_prefix(err, "%s", path) : 0;
}
