/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be watched of a file system, and what its parser reads it with.
 */
#ifndef KJUMP_FS_EXTENTS_H
#define KJUMP_FS_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "disk/disk.h"

struct extent {
	uint64_t offset, length; /* bytes */
};

#define EXTENTS_MAX 256

/* Of a log or journal, this much is watched whatever its size; of a bigger one, around its head. */
#define FS_LOG_WHOLE  (64ULL << 20)
#define FS_LOG_BEFORE (8ULL << 20)

struct extents {
	struct extent v[EXTENTS_MAX];
	size_t n;
	char unjudged[112]; /* why changes may leave all of them as they were; "" = they cannot */

	/*
	 * The log is on another device, and a part of this: fs_log() has the rest. LOG_UUID is that
	 * device's, or "" when only the mount options name it; LOG_LENGTH bytes of it are the log,
	 * 0 = it says so itself.
	 */
	bool log_elsewhere;
	char log_uuid[37];
	uint64_t log_length;
};

/* Read SIZE bytes at any OFFSET. */
int fs_read(const struct disk *disk, void *buffer, size_t size, uint64_t offset, struct error *err);

/* Append an extent; EUCLEAN when it does not lie on the disk, E2BIG when there are too many. */
int fs_add(const struct disk *disk, struct extents *extents, uint64_t offset, uint64_t length,
	   struct error *err);

/* Integers at P of 1 to 8 bytes, little and big endian. */
static inline uint64_t fs_le(const unsigned char *p, unsigned size)
{
	uint64_t value = 0;

	while (size--)
		value = value << 8 | p[size];
	return value;
}

static inline uint64_t fs_be(const unsigned char *p, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value = value << 8 | p[i];
	return value;
}

static inline uint16_t fs_le16(const unsigned char *p)
{
	return (uint16_t)fs_le(p, 2);
}

static inline uint32_t fs_le32(const unsigned char *p)
{
	return (uint32_t)fs_le(p, 4);
}

static inline uint64_t fs_le64(const unsigned char *p)
{
	return fs_le(p, 8);
}

static inline uint32_t fs_be32(const unsigned char *p)
{
	return (uint32_t)fs_be(p, 4);
}

static inline uint64_t fs_be64(const unsigned char *p)
{
	return fs_be(p, 8);
}

#endif
