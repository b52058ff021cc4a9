/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where an image of a core file goes. */
#include "writer/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/safe.h"

/* Of an index, for each page at most: its run in a list, and a chunk's record. */
#define INDEX_BYTES_PER_PAGE 128

/* A file is sparse: it may be larger than any image until it is known how large the image is. */
static uint64_t enough(uint64_t pages)
{
	return IMAGE_MIN_SIZE + pages * (FRAME_SIZE + INDEX_BYTES_PER_PAGE);
}

/* May the file be overwritten without being told to? */
static int look_at_file(const char *path, struct error *err)
{
	struct image_super super;
	struct disk disk;
	int r = disk_open(path, DISK_READ, &disk, err);

	if (r)
		return r;
	r = image_super_read(&disk, &super, err);
	if (r)
		r = error_set(err, EEXIST,
			      "%s: exists and is no image; use --force to overwrite it", path);
	else if (super.kind != IMAGE_CORE)
		r = error_set(err, EEXIST,
			      "%s: claimed for images (kind: %s); use --force to overwrite it",
			      path, image_kind_name(super.kind));
	disk_close(&disk);
	return r;
}

/* Make the file, or look at and empty the one that is there; SIZE bytes without content. */
static int make_file(struct output *output, const char *path, uint64_t size, bool force,
		     struct error *err)
{
	struct stat st;
	int fd, r = 0;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	output->emptied = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		r = error_errno(err, "%s: cannot open", path);
		goto out;
	}
	if (st.st_size && !force)
		r = look_at_file(path, err);
	if (!r) {
		output->emptied = true;
		if (ftruncate(fd, 0) || ftruncate(fd, (off_t)size))
			r = error_errno(err, "%s: cannot make it %llu bytes long", path,
					(unsigned long long)size);
	}
out:
	if (fd >= 0)
		close(fd);
	return r;
}

static int open_file(struct output *output, const char *path, uint64_t pages, bool force,
		     struct error *err)
{
	struct image_super super;
	int r = make_file(output, path, safe_round_up(enough(pages), DISK_ALIGN), force, err);

	if (!r)
		r = disk_open(path, DISK_WRITE, &output->disk, err);
	if (!r && image_format(&output->disk, NULL, &super, err))
		r = error_prefix(err, "%s", path);
	return r;
}

static int open_device(struct output *output, const char *path, bool force, struct error *err)
{
	struct image_super super;
	int r = disk_open(path, DISK_WRITE, &output->disk, err);

	if (r)
		return r;
	if (image_super_read(&output->disk, &super, err))
		return error_prefix(err, "%s", path);
	if (image_waits(&super) && !force)
		return error_set(err, EEXIST,
				 "%s: holds a hibernation image that waits to be restored; use "
				 "--force to give it up",
				 path);
	return 0;
}

int output_open(struct output *output, const char *path, uint64_t pages, bool force,
		struct error *err)
{
	struct stat st;
	int r;

	*output = (struct output){ .disk = { .fd = -1 } };
	output->is_file = stat(path, &st) || !S_ISBLK(st.st_mode);
	if (output->is_file)
		r = open_file(output, path, pages, force, err);
	else
		r = open_device(output, path, force, err);
	if (r) {
		snprintf(output->disk.name, sizeof(output->disk.name), "%s", path);
		output_close(output, false);
	}
	return r;
}

int output_finish(struct output *output, struct image_super *super, struct error *err)
{
	uint64_t size = super->start + super->length + IMAGE_TAIL;
	int r;

	if (!output->is_file)
		return 0;
	super->device_size = size > IMAGE_MIN_SIZE ? size : IMAGE_MIN_SIZE;
	r = image_super_write(&output->disk, super, err);
	if (!r && ftruncate(output->disk.fd, (off_t)super->device_size))
		r = error_errno(err, "cannot cut it to %llu bytes",
				(unsigned long long)super->device_size);
	return r;
}

void output_close(struct output *output, bool saved)
{
	if (output->emptied && !saved)
		unlink(output->disk.name);
	disk_close(&output->disk);
}
