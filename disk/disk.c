/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening devices and plain files, and aligned I/O past the page cache. */
#include "disk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/safe.h"
#include "disk/pieces.h"
#include "disk/sysfs.h"

static bool is_suspended(dev_t number)
{
	char name[BLOCK_NAME_SIZE];
	struct error ignored = { 0 };

	return !sysfs_name(major(number), minor(number), name, &ignored) && sysfs_suspended(name);
}

static int open_block(const char *path, dev_t number, enum disk_mode mode, struct disk *disk,
		      struct error *err)
{
	int flags = mode == DISK_READ ? O_RDONLY : mode == DISK_WRITE ? O_RDWR | O_EXCL : O_RDWR;
	int sector, read_only = 0;

	if (is_suspended(number))
		return error_set(err, EBUSY, "%s: suspended; 'dmsetup resume' ends that", path);
	disk->fd = open(path, flags | O_DIRECT | O_CLOEXEC);
	if (disk->fd < 0 && errno == EBUSY)
		return error_set(err, EBUSY, "%s: in use (mounted, swap, or part of something)",
				 path);
	if (disk->fd < 0)
		return error_errno(err, "%s: cannot open", path);
	if (ioctl(disk->fd, BLKGETSIZE64, &disk->size) || ioctl(disk->fd, BLKSSZGET, &sector))
		return error_errno(err, "%s: cannot ask for the size", path);
	if (mode != DISK_READ && (ioctl(disk->fd, BLKROGET, &read_only) || read_only))
		return error_set(err, EROFS, "%s: is read-only (blockdev --setrw changes that)",
				 path);
	if (sector <= 0 || DISK_ALIGN % sector)
		return error_set(err, ENOTSUP, "%s: sectors of %d bytes are not supported", path,
				 sector);
	return 0;
}

static int open_file(const char *path, enum disk_mode mode, struct disk *disk, struct error *err)
{
	int flags = (mode == DISK_READ ? O_RDONLY : O_RDWR) | O_CLOEXEC;
	struct stat st;

	disk->fd = open(path, flags | O_DIRECT);
	if (disk->fd < 0 && errno == EINVAL) /* tmpfs has no O_DIRECT */
		disk->fd = open(path, flags);
	if (disk->fd < 0)
		return error_errno(err, "%s: cannot open", path);
	/* A block device is opened for writing by one alone; of a file two could write the same
	 * places.
	 */
	if (mode == DISK_WRITE && flock(disk->fd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return error_set(err, EBUSY, "%s: in use by another program of kjump",
					 path);
		return error_errno(err, "%s: cannot lock", path);
	}
	if (fstat(disk->fd, &st))
		return error_errno(err, "%s: cannot ask for the size", path);
	disk->size = st.st_size;
	return 0;
}

int disk_open(const char *path, enum disk_mode mode, struct disk *disk, struct error *err)
{
	struct stat before, after;
	int ret;

	memset(disk, 0, sizeof(*disk));
	disk->fd = -1;
	snprintf(disk->name, sizeof(disk->name), "%s", path);
	if (stat(path, &before))
		return error_errno(err, "%s: cannot open", path);
	if (S_ISBLK(before.st_mode))
		ret = open_block(path, before.st_rdev, mode, disk, err);
	else if (S_ISREG(before.st_mode))
		ret = open_file(path, mode, disk, err);
	else
		ret = error_set(err, ENOTBLK, "%s: neither a block device nor a file", path);
	if (ret)
		goto fail;
	if (fstat(disk->fd, &after) || after.st_dev != before.st_dev ||
	    after.st_ino != before.st_ino) {
		ret = error_set(err, EAGAIN, "%s: was replaced while it was opened", path);
		goto fail;
	}
	disk->size -= disk->size % DISK_ALIGN;
	return 0;
fail:
	disk_close(disk);
	return ret;
}

void disk_close(struct disk *disk)
{
	if (disk->pieces)
		pieces_close(disk);
	else if (disk->fd >= 0)
		close(disk->fd);
	disk->fd = -1;
}

void *disk_buffer(size_t size)
{
	void *buffer;

	if (size > SIZE_MAX - DISK_ALIGN)
		return NULL;
	size = safe_round_up(size, DISK_ALIGN);
	buffer = aligned_alloc(DISK_ALIGN, size ? size : DISK_ALIGN);
	if (buffer)
		memset(buffer, 0, size);
	return buffer;
}

static int check_access(const struct disk *disk, enum disk_operation operation, const void *buffer,
			size_t size, uint64_t offset, struct error *err)
{
	if ((uintptr_t)buffer % DISK_ALIGN || size % DISK_ALIGN || offset % DISK_ALIGN)
		return error_set(err, EINVAL, "unaligned access of %zu bytes at %llu", size,
				 (unsigned long long)offset);
	if (!safe_within(offset, size, disk->size))
		return error_set(err, ENOSPC, "%zu bytes at %llu lie beyond the end of the device",
				 size, (unsigned long long)offset);
	if (disk->fault) {
		errno = disk->fault(disk->fault_context, operation, offset, size);
		if (errno)
			return error_errno(err, "I/O at %llu", (unsigned long long)offset);
	}
	return 0;
}

/* After a short transfer the rest may start off a sector border; begin its block again then. */
static size_t keep_aligned(ssize_t done)
{
	return done - done % DISK_ALIGN;
}

int disk_read(const struct disk *disk, void *buffer, size_t size, uint64_t offset,
	      struct error *err)
{
	char *p = buffer;
	int ret = check_access(disk, DISK_OP_READ, buffer, size, offset, err);

	if (ret)
		return ret;
	while (size) {
		struct piece_part at = pieces_locate(disk, offset, size);
		ssize_t done = pread(at.fd, p, at.size, at.offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_errno(err, "cannot read at %llu", (unsigned long long)offset);
		done = keep_aligned(done);
		if (!done)
			return error_set(err, EIO, "cannot read at %llu: short read",
					 (unsigned long long)offset);
		p += done;
		offset += done;
		size -= done;
	}
	return 0;
}

int disk_write(const struct disk *disk, const void *buffer, size_t size, uint64_t offset,
	       struct error *err)
{
	const char *p = buffer;
	int ret = check_access(disk, DISK_OP_WRITE, buffer, size, offset, err);

	if (ret)
		return ret;
	while (size) {
		struct piece_part at = pieces_locate(disk, offset, size);
		ssize_t done = pwrite(at.fd, p, at.size, at.offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_errno(err, "cannot write at %llu", (unsigned long long)offset);
		done = keep_aligned(done);
		if (!done)
			return error_set(err, EIO, "cannot write at %llu: short write",
					 (unsigned long long)offset);
		p += done;
		offset += done;
		size -= done;
	}
	return 0;
}

int disk_flush(const struct disk *disk, struct error *err)
{
	int code = disk->fault ? disk->fault(disk->fault_context, DISK_OP_FLUSH, 0, 0) : 0;

	if (code) {
		errno = code;
		return error_errno(err, "cannot flush");
	}
	if (disk->pieces)
		return pieces_flush(disk, err);
	if (fdatasync(disk->fd))
		return error_errno(err, "cannot flush");
	return 0;
}
