/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A claimed disk, and superblocks on it that nobody would write. */
#ifndef TESTS_SUPER_DISK_H
#define TESTS_SUPER_DISK_H

#include "common/crc32c.h"
#include "image/internal.h"
#include "temp-disk.h"

static inline int setup(void **state)
{
	struct temp_disk *temp = malloc(sizeof(*temp));
	struct image_super super;
	struct error err;

	temp_disk_create(temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&temp->disk, "test", &super, &err), 0);
	*state = temp;
	return 0;
}

static inline int teardown(void **state)
{
	temp_disk_remove(*state);
	free(*state);
	return 0;
}

/* Write one copy with right checksums, whatever it says. */
static inline void disk_put_super(struct temp_disk *temp, int copy, struct image_super *super)
{
	uint64_t offset = copy ? IMAGE_SUPER1 : IMAGE_SUPER0;
	struct image_head head;

	super->table_crc = crc32c(0, super->table, sizeof(super->table));
	table_get_head(super, &head);
	super->crc = super_crc(&head);
	table_get_head(super, &head);
	temp_disk_write(temp, offset, &head, sizeof(head));
	temp_disk_write(temp, offset + IMAGE_BLOCK, super->table, sizeof(super->table));
}

static inline void disk_put_supers(struct temp_disk *temp, struct image_super *super)
{
	disk_put_super(temp, 0, super);
	disk_put_super(temp, 1, super);
}

/* Both copies; the image is the first of the table. */
static inline void force(struct temp_disk *temp, struct image_super *super)
{
	table_get_entry(super, &super->table[0]);
	disk_put_supers(temp, super);
}

/* An image, as far as a superblock tells. */
static inline void set_state(struct image_super *super, uint32_t state)
{
	super->state = state;
	super->kind = state == IMAGE_EMPTY ? 0 : IMAGE_HIBERNATION;
	super->index_size = IMAGE_BLOCK;
	super->index[0] = (struct image_extent){ IMAGE_DATA_START, IMAGE_BLOCK };
}

#endif
