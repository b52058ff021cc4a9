/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where an image of a core file goes. */
#include "writer/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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
	else if (image_super_count_images(&super) > 1)
		r = error_set(err, EEXIST,
			      "%s: has %u images; use --force to overwrite them, --base to add one",
			      path, image_super_count_images(&super));
	disk_close(&disk);
	return r;
}

/* The file holds all secrets of a machine: may nobody but its owner, who runs this, read it? */
static int check_private(const struct stat *st, const char *path, struct error *err)
{
	if (st->st_uid != geteuid())
		return error_set(err, EPERM, "%s: belongs to another user", path);
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return error_set(err, EPERM,
				 "%s: others may open it (mode %04o); remove it, or take their "
				 "rights away",
				 path, st->st_mode & 07777);
	if (st->st_nlink > 1)
		return error_set(err, EPERM, "%s: has another name, too; remove it first", path);
	return 0;
}

/* May what is open as FD be overwritten? What is not written to stays as it is. */
static int check_existing(int fd, const char *path, const struct memory *source, bool force,
			  struct error *err)
{
	struct stat st;
	int r;

	if (fstat(fd, &st))
		return error_errno(err, "%s: cannot open", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ENOTBLK, "%s: neither a block device nor a file", path);
	if (memory_is_read_from(source, fd))
		return error_set(err, EINVAL, "%s: is what is to be saved", path);
	r = check_private(&st, path, err);
	if (!r && st.st_size && !force)
		r = look_at_file(path, err);
	return r;
}

static int set_size(int fd, const char *path, uint64_t size, struct error *err)
{
	if (ftruncate(fd, 0) || ftruncate(fd, (off_t)size))
		return error_errno(err, "%s: cannot make it %llu bytes long", path,
				   (unsigned long long)size);
	return 0;
}

/* Is the path still that of the file? */
static bool is_in_place(const struct output *output)
{
	struct stat named, opened;

	return !stat(output->path, &named) && !fstat(output->file, &opened) &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

static int open_file(struct output *output, const struct memory *source, uint64_t pages, bool force,
		     struct error *err)
{
	uint64_t size = safe_round_up(enough(pages), DISK_ALIGN);
	const char *path = output->path;
	struct image_super super;
	int r;

	output->file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	output->made = output->file >= 0;
	if (!output->made && errno == EEXIST) /* without waiting for the reader of a FIFO */
		output->file = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (output->file < 0)
		return error_errno(err, "%s: cannot open", path);
	r = disk_open(path, DISK_WRITE, &output->disk, err);
	if (!r && !is_in_place(output))
		r = error_set(err, EAGAIN, "%s: was replaced while it was opened", path);
	/* Nobody else writes to it from here on. */
	if (!r && !output->made)
		r = check_existing(output->file, path, source, force, err);
	if (!r) {
		output->emptied = true;
		r = set_size(output->file, path, size, err);
	}
	if (!r)
		output->disk.size = size;
	if (!r && image_format(&output->disk, NULL, &super, err))
		r = error_prefix(err, "%s", path);
	return r;
}

static int open_device(struct output *output, const struct memory *source, bool force,
		       struct error *err)
{
	const char *path = output->path;
	struct image_super super;
	int r = disk_open(path, DISK_WRITE, &output->disk, err);

	if (r)
		return r;
	if (memory_is_read_from(source, output->disk.fd))
		return error_set(err, EINVAL, "%s: is what is to be saved", path);
	if (image_super_read(&output->disk, &super, err))
		return error_prefix(err, "%s", path);
	if (image_waits(&super) && !force)
		return error_set(err, EEXIST,
				 "%s: holds a hibernation image that waits to be restored; use "
				 "--force to give it up",
				 path);
	return 0;
}

int output_open(struct output *output, const char *path, const struct memory *source,
		uint64_t pages, bool force, struct error *err)
{
	struct stat st;
	int r;

	*output = (struct output){
		.disk = { .fd = -1 }, .path = path, .file = -1, .least = IMAGE_MIN_SIZE
	};
	if (stat(path, &st)) /* perhaps it is to be made */
		r = open_file(output, source, pages, force, err);
	else if (S_ISBLK(st.st_mode))
		r = open_device(output, source, force, err);
	else if (S_ISREG(st.st_mode))
		r = open_file(output, source, pages, force, err);
	else /* opening alone may do something: a watchdog starts */
		r = error_set(err, ENOTBLK, "%s: neither a block device nor a file", path);
	if (r)
		output_close(output, false);
	return r;
}

/* Room for another image in a file, whose device becomes as large. */
static int grow_file(struct output *output, struct image_super *super, uint64_t pages,
		     struct error *err)
{
	uint64_t size = safe_round_up(output->disk.size + enough(pages), DISK_ALIGN);
	int r;

	if (ftruncate(output->file, (off_t)size))
		return error_errno(err, "%s: cannot make it %llu bytes long", output->path,
				   (unsigned long long)size);
	output->grown = true;
	output->least = super->device_size;
	output->disk.size = size;
	super->device_size = size;
	r = image_super_write(&output->disk, super, err);
	return r ? error_prefix(err, "%s", output->path) : 0;
}

static int open_base_file(struct output *output, const struct memory *source, uint64_t pages,
			  struct image_super *super, struct error *err)
{
	struct stat st;
	int r;

	output->file = open(output->path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (output->file < 0 || fstat(output->file, &st))
		return error_errno(err, "%s: cannot open", output->path);
	r = check_private(&st, output->path, err);
	if (!r && memory_is_read_from(source, output->file))
		r = error_set(err, EINVAL, "%s: is what is to be saved", output->path);
	if (!r && !is_in_place(output))
		r = error_set(err, EAGAIN, "%s: was replaced while it was opened", output->path);
	return r ? r : grow_file(output, super, pages, err);
}

/* Who seals his dumps has not left it out once on purpose. */
static int refuse_clear(const struct image_super *super, const char *path, struct error *err)
{
	for (unsigned i = 0; i < IMAGE_TABLE; i++)
		if (super->table[i].algorithm)
			return error_set(err, EPERM,
					 "%s: holds sealed images, and this one would be in clear "
					 "(--seal FILE)",
					 path);
	return 0;
}

int output_open_base(struct output *output, const char *path, const struct memory *source,
		     uint64_t pages, bool sealed, struct error *err)
{
	struct image_super super;
	struct stat st;
	int r = 0;

	*output = (struct output){
		.disk = { .fd = -1 }, .path = path, .file = -1, .least = IMAGE_MIN_SIZE
	};
	if (stat(path, &st))
		return error_errno(err, "%s: cannot open", path);
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return error_set(err, ENOTBLK, "%s: neither a block device nor a file", path);
	r = disk_open(path, DISK_WRITE, &output->disk, err);
	if (!r && image_super_read(&output->disk, &super, err))
		r = error_prefix(err, "%s", path);
	if (!r && image_waits(&super))
		r = error_set(err, EEXIST,
			      "%s: holds a hibernation image that waits to be restored", path);
	if (!r && !sealed)
		r = refuse_clear(&super, path, err);
	if (!r && S_ISREG(st.st_mode))
		r = open_base_file(output, source, pages, &super, err);
	if (r)
		output_close(output, false);
	return r;
}

int output_finish(struct output *output, struct image_super *super, struct error *err)
{
	uint64_t end;
	int r;

	if (output->file < 0)
		return 0;
	r = image_used_end(&output->disk, super, &end, err);
	if (r)
		return r;
	end += IMAGE_TAIL;
	super->device_size = end > output->least ? end : output->least;
	r = image_super_write(&output->disk, super, err);
	if (!r && ftruncate(output->file, (off_t)super->device_size))
		r = error_errno(err, "cannot cut it to %llu bytes",
				(unsigned long long)super->device_size);
	return r;
}

/* What was there stays, in a file as large as it was. */
static void shrink(struct output *output)
{
	struct image_super super;
	struct error err;

	if (image_super_read(&output->disk, &super, &err) || output_finish(output, &super, &err))
		message("%s: %s; it stays larger than it was", output->path, err.text);
}

void output_close(struct output *output, bool saved)
{
	if (!saved && output->grown)
		shrink(output);
	/* A name that was there before is not ours to remove, and may be a link. */
	if (!saved && output->made && is_in_place(output))
		unlink(output->path);
	else if (!saved && output->emptied && ftruncate(output->file, 0))
		message("%s: cannot be emptied: %s", output->path, strerror(errno));
	if (output->file >= 0)
		close(output->file);
	disk_close(&output->disk);
}
