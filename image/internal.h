/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of image/ share with each other and with nobody else. */
#ifndef IMAGE_INTERNAL_H
#define IMAGE_INTERNAL_H

#include "common/safe.h"
#include "image/image.h"

/* --- the ring (super.c) --- */

/* The data area of the device: bytes [IMAGE_DATA_START, ring_end). */
static inline uint64_t ring_end(const struct image_super *super)
{
	return super->device_size - IMAGE_TAIL;
}

static inline uint64_t ring_size(const struct image_super *super)
{
	return ring_end(super) - IMAGE_DATA_START;
}

/* Distance of OFFSET (within the ring) from the start of the image's stretch, around the ring. */
static inline uint64_t ring_distance(const struct image_super *super, uint64_t offset)
{
	return offset >= super->start ? offset - super->start
				      : offset + ring_size(super) - super->start;
}

/* Do SIZE bytes at OFFSET lie in the ring without wrapping, and within the image's stretch? */
bool ring_contains(const struct image_super *super, uint64_t offset, uint64_t size);

/* --- superblock (super.c) --- */

/* Read one copy (0 or 1) and check it; block 0 with its signature. */
int super_read_copy(const struct disk *disk, int copy, struct image_super *ret, struct error *err);

/* Random bytes that form a version 4 UUID. */
int super_random_uuid(uint8_t uuid[16], struct error *err);

/* --- index (index.c, index-check.c, index-write.c) --- */

/* Every record of the index by itself, all but the chunks' places. */
int index_check_records(const struct image_index *index, uint32_t kind, struct error *err);

/* The header of the index: places, sizes and checksums of all sections. */
void index_describe(const struct image_index *index, const uint8_t image_uuid[16],
		    struct image_index_header *ret);

/* Takes SIZE bytes of the index (from disk_buffer(), a multiple of IMAGE_BLOCK) from OFFSET on. */
typedef int (*index_put)(void *context, const void *bytes, size_t size, uint64_t offset,
			 struct error *err);

/* Hand the index with its HEADER to PUT, in order; *XXH3 is the digest of all of it. */
int index_write(const struct image_index *index, const struct image_index_header *header,
		index_put put, void *context, uint64_t *xxh3, struct error *err);

/* Bytes of one record of SECTION. */
uint32_t index_record_size(enum image_section section);

#endif
