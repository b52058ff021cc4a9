/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What file systems tell of a file's places. */
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kjump/file/layout.h"

#define AT_ONCE 256

/* --- FIEMAP --- */

static int check_flags(unsigned flags, struct error *err)
{
	static const struct {
		unsigned flag;
		int code;
		const char *why;
	} bad[] = {
		{ FIEMAP_EXTENT_UNWRITTEN, ENODATA, "has blocks that were never written" },
		{ FIEMAP_EXTENT_DELALLOC, ENODATA, "has bytes that have no place yet" },
		{ FIEMAP_EXTENT_SHARED, ENOTSUP,
		  "shares blocks with another file or a snapshot, so they move when they are "
		  "written" },
		{ FIEMAP_EXTENT_DATA_ENCRYPTED, ENOTSUP, "is encrypted by its file system" },
		{ FIEMAP_EXTENT_DATA_INLINE, ENOTSUP, "lies among the metadata" },
		{ FIEMAP_EXTENT_DATA_TAIL, ENOTSUP, "shares a block with another file" },
		{ FIEMAP_EXTENT_ENCODED, ENOTSUP, "is compressed" },
		{ FIEMAP_EXTENT_NOT_ALIGNED, ENOTSUP, "does not lie at the borders of blocks" },
		{ FIEMAP_EXTENT_UNKNOWN, ENOTSUP, "has bytes whose place is not known" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (flags & bad[i].flag)
			return error_set(err, bad[i].code, "%s", bad[i].why);
	return 0;
}

static int add_extent(int fd, const struct holder *holder, const struct fiemap_extent *extent,
		      uint64_t *at, struct layout *layout, struct error *err)
{
	uint64_t length = extent->fe_length, left = layout->size - *at;
	int code = check_flags(extent->fe_flags, err);

	if (code)
		return code;
	if (extent->fe_logical != *at)
		return error_set(err, ENODATA, "has a hole");
	/* Blocks behind its end are none of its bytes. */
	if (length > left)
		length = left;
	*at += length;
	return holder->kind == HOLDER_BTRFS
		       ? layout_add_btrfs(fd, layout, extent->fe_physical, length, err)
		       : layout_add(layout, extent->fe_physical, length, err);
}

static int read_extents(int fd, const struct holder *holder, struct fiemap *buffer,
			struct layout *layout, struct error *err)
{
	uint64_t at = 0;
	int code = 0;

	while (at < layout->size && !code) {
		memset(buffer, 0, sizeof(*buffer));
		buffer->fm_start = at;
		buffer->fm_length = layout->size - at;
		buffer->fm_flags = FIEMAP_FLAG_SYNC;
		buffer->fm_extent_count = AT_ONCE;
		if (ioctl(fd, FS_IOC_FIEMAP, buffer))
			return error_errno(err, "its file system does not tell where it lies");
		if (!buffer->fm_mapped_extents)
			return error_set(err, ENODATA, "has a hole");
		for (unsigned i = 0; i < buffer->fm_mapped_extents && at < layout->size && !code;
		     i++)
			code = add_extent(fd, holder, &buffer->fm_extents[i], &at, layout, err);
	}
	return code;
}

static int ask_extents(int fd, const struct holder *holder, struct layout *layout,
		       struct error *err)
{
	struct fiemap *buffer = malloc(sizeof(*buffer) + AT_ONCE * sizeof(struct fiemap_extent));
	int code;

	if (!buffer)
		return error_set(err, ENOMEM, "no memory");
	code = read_extents(fd, holder, buffer, layout, err);
	free(buffer);
	return code;
}

/* --- FIBMAP --- */

/* The file system's blocks are sectors; what is kept together are clusters of them. */
static int ask_blocks(int fd, struct layout *layout, struct error *err)
{
	int sector = 0, code = 0;
	struct stat st;

	if (ioctl(fd, FIGETBSZ, &sector) || sector <= 0 || fstat(fd, &st))
		return error_errno(err, "its file system does not tell where it lies");
	if (st.st_blksize % IMAGE_BLOCK)
		return error_set(err, ENOTSUP,
				 "lies on a file system with clusters of %ld bytes; 4096 are "
				 "needed",
				 (long)st.st_blksize);
	for (uint64_t at = 0; at < layout->size && !code; at += (uint64_t)st.st_blksize) {
		uint64_t length = layout->size - at;
		int block = (int)(at / (unsigned)sector);

		if (length > (uint64_t)st.st_blksize)
			length = (uint64_t)st.st_blksize;
		if (ioctl(fd, FIBMAP, &block))
			return error_errno(err, "its file system does not tell where it lies");
		if (block <= 0)
			return error_set(err, ENODATA, "has a hole");
		code = layout_add(layout, (uint64_t)block * (unsigned)sector, length, err);
	}
	return code;
}

static int check_alignment(const struct layout *layout, struct error *err)
{
	for (uint32_t i = 0; i < layout->count; i++)
		if (layout->extents[i].offset % IMAGE_BLOCK ||
		    layout->extents[i].length % IMAGE_BLOCK)
			return error_set(err, ENOTSUP,
					 "does not lie at multiples of %d bytes of the device",
					 IMAGE_BLOCK);
	return 0;
}

int layout_read(int fd, const struct holder *holder, struct layout *ret, struct error *err)
{
	struct stat st;
	int code;

	memset(ret, 0, sizeof(*ret));
	if (fsync(fd) || fstat(fd, &st))
		return error_errno(err, "cannot flush");
	if (!st.st_size || st.st_size % IMAGE_BLOCK)
		return error_set(err, ENOTSUP, "has a size that is no multiple of %d bytes",
				 IMAGE_BLOCK);
	ret->size = (uint64_t)st.st_size;
	ret->extents = calloc(IMAGE_MAP_EXTENTS, sizeof(*ret->extents));
	if (!ret->extents)
		return error_set(err, ENOMEM, "no memory");
	code = holder->kind == HOLDER_VFAT ? ask_blocks(fd, ret, err)
					   : ask_extents(fd, holder, ret, err);
	if (!code)
		code = check_alignment(ret, err);
	if (code)
		layout_free(ret);
	return code;
}
