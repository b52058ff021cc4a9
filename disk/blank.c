/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Content that libblkid does not know is content as well. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/safe.h"
#include "disk/disk.h"

#define STEP	(1U << 20)
#define SAMPLE	65536
#define SAMPLES 1024

static int check_range(const struct disk *disk, void *buffer, uint64_t offset, uint64_t size,
		       struct error *err)
{
	while (size) {
		size_t part = size < STEP ? size : STEP;
		int code = disk_read(disk, buffer, part, offset, err);

		if (code)
			return code;
		if (!safe_is_zero(buffer, part))
			return error_set(err, EEXIST, "holds data, though none that is recognised");
		offset += part;
		size -= part;
	}
	return 0;
}

/* Holes are not read. */
static int check_file(const struct disk *disk, void *buffer, struct error *err)
{
	off_t data = 0, hole;
	int code = 0;

	while (!code && (data = lseek(disk->fd, data, SEEK_DATA)) >= 0) {
		uint64_t from, to;

		hole = lseek(disk->fd, data, SEEK_HOLE);
		if (hole < 0)
			break;
		from = (uint64_t)data / DISK_ALIGN * DISK_ALIGN;
		to = safe_round_up((uint64_t)hole, DISK_ALIGN);
		if (to > disk->size)
			to = disk->size;
		if (from < to)
			code = check_range(disk, buffer, from, to - from, err);
		data = hole;
	}
	return code;
}

static int check_samples(const struct disk *disk, void *buffer, struct error *err)
{
	uint64_t step = disk->size / SAMPLES / DISK_ALIGN * DISK_ALIGN;
	int code;

	if (disk->size <= 2 * STEP + (uint64_t)SAMPLES * SAMPLE)
		return check_range(disk, buffer, 0, disk->size, err);
	code = check_range(disk, buffer, 0, STEP, err);
	if (!code)
		code = check_range(disk, buffer, disk->size - STEP, STEP, err);
	for (unsigned i = 1; i < SAMPLES && !code; i++)
		code = check_range(disk, buffer, i * step, SAMPLE, err);
	return code;
}

int disk_check_blank(const struct disk *disk, struct error *err)
{
	void *buffer = disk_buffer(STEP);
	struct stat st;
	int code;

	if (!buffer)
		return error_set(err, ENOMEM, "no memory");
	if (!fstat(disk->fd, &st) && S_ISREG(st.st_mode))
		code = check_file(disk, buffer, err);
	else
		code = check_samples(disk, buffer, err);
	free(buffer);
	return code;
}
