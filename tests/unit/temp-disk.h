/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory in place of a disk, and somebody else who changes it. */
#ifndef TESTS_TEMP_DISK_H
#define TESTS_TEMP_DISK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disk/disk.h"

struct temp_disk {
	int fd;
	char path[64]; /* for this process and its children */
	struct disk disk;
};

static inline void temp_disk_create(struct temp_disk *temp, uint64_t size)
{
	struct error err;

	temp->fd = memfd_create("disk", 0);
	assert_true(temp->fd >= 0);
	assert_int_equal(ftruncate(temp->fd, size), 0);
	snprintf(temp->path, sizeof(temp->path), "/proc/%d/fd/%d", (int)getpid(), temp->fd);
	/* Shared: what is tested opens it for itself. */
	assert_int_equal(disk_open(temp->path, DISK_SHARED, &temp->disk, &err), 0);
}

static inline void temp_disk_remove(struct temp_disk *temp)
{
	disk_close(&temp->disk);
	close(temp->fd);
}

static inline void temp_disk_write(const struct temp_disk *temp, uint64_t offset, const void *bytes,
				   size_t size)
{
	assert_int_equal(pwrite(temp->fd, bytes, size, offset), size);
}

static inline void temp_disk_read(const struct temp_disk *temp, uint64_t offset, void *bytes,
				  size_t size)
{
	assert_int_equal(pread(temp->fd, bytes, size, offset), size);
}

/* Invert some bits of one byte; a second call puts it right again. */
static inline void temp_disk_flip(const struct temp_disk *temp, uint64_t offset, unsigned bits)
{
	unsigned char byte;

	temp_disk_read(temp, offset, &byte, 1);
	byte ^= bits;
	temp_disk_write(temp, offset, &byte, 1);
}

/* A copy of all bytes, from malloc, and back. */
static inline void *temp_disk_save(const struct temp_disk *temp)
{
	void *bytes = malloc(temp->disk.size);

	assert_non_null(bytes);
	temp_disk_read(temp, 0, bytes, temp->disk.size);
	return bytes;
}

static inline void temp_disk_load(const struct temp_disk *temp, const void *bytes)
{
	temp_disk_write(temp, 0, bytes, temp->disk.size);
}

#endif
