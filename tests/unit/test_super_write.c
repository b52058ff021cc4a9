/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The superblock as it is written: what failures and power cuts leave of its two copies. */
#include <errno.h>

#include "fake-image.h"
#include "super-disk.h"

static void test_stale_and_empty(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super super, again;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
	super.state = IMAGE_VALID;
	super.kind = IMAGE_HIBERNATION;
	super.index_size = 4096;
	super.index[0] = (struct image_extent){ IMAGE_DATA_START, 4096 };
	assert_int_equal(image_super_write(&temp->disk, &super, &err), 0);
	assert_int_equal(image_mark_stale(&temp->disk, &super, "for this test", &err), 0);
	assert_int_equal(image_super_read(&temp->disk, &again, &err), 0);
	assert_memory_equal(&again, &super, sizeof(super));
	assert_int_equal(again.state, IMAGE_STALE);
	assert_string_equal(again.reason, "for this test");

	super.state = IMAGE_EMPTY;
	assert_int_equal(image_super_write(&temp->disk, &super, &err), 0);
	assert_int_equal(image_super_read(&temp->disk, &again, &err), 0);
	assert_int_equal(again.kind, 0);
	assert_int_equal(again.index_size, 0);
	assert_int_equal(image_super_count_images(&again), 0);
	assert_string_equal(again.label, "test");
	assert_true(again.generation > 3);
}

static int fail_at(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	const uint64_t *where = context;

	(void)size;
	return operation == DISK_OP_WRITE && offset == *where ? EIO : 0;
}

/* Between the two copies: copy 1 is newer and counts. */
static void test_cut_between_copies(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super super, again;
	uint64_t where = IMAGE_SUPER0;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
	set_state(&super, IMAGE_VALID);
	super.attempts = 1;
	temp->disk.fault = fail_at;
	temp->disk.fault_context = &where;
	assert_int_equal(image_super_write(&temp->disk, &super, &err), -EIO);
	temp->disk.fault = NULL;
	assert_int_equal(image_super_read(&temp->disk, &again, &err), 0);
	assert_int_equal(again.generation, super.generation);
	/* And the next write is newer than both. */
	set_state(&again, IMAGE_EMPTY);
	assert_int_equal(image_super_write(&temp->disk, &again, &err), 0);
	assert_int_equal(image_verify(&temp->disk, &again, NULL, 1, NULL, &err), 0);
}

/* The power goes in the middle of the next write, whichever copy that is of. */
static int tear(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	struct temp_disk *temp = context;

	(void)size;
	if (operation == DISK_OP_READ)
		return 0;
	temp_disk_flip(temp, offset + 100, 0xff);
	return EIO;
}

/*
 * A boot has read STALE from the only copy that says so, and gone on. What is written then and torn
 * must not be that copy: the other one still says VALID.
 */
static void test_torn_after_a_cut(void **state)
{
	static const uint64_t missed[] = { IMAGE_SUPER0, IMAGE_SUPER1 };
	struct temp_disk *temp = *state;
	struct image_super super, again;
	struct error err;

	for (int i = 0; i < 2; i++) {
		uint64_t where = missed[i];

		assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
		set_state(&super, IMAGE_VALID);
		assert_int_equal(image_super_write(&temp->disk, &super, &err), 0);
		temp->disk.fault = fail_at;
		temp->disk.fault_context = &where;
		assert_int_equal(image_mark_stale(&temp->disk, &super, "a test", &err), 0);
		temp->disk.fault = tear;
		temp->disk.fault_context = temp;
		set_state(&super, IMAGE_VALID);
		assert_int_equal(image_super_write(&temp->disk, &super, &err), -EIO);
		temp->disk.fault = NULL;
		assert_int_equal(image_super_read(&temp->disk, &again, &err), 0);
		assert_int_equal(again.state, IMAGE_STALE);
	}
}

#define LACKING (IMAGE_SUPER1 + IMAGE_BLOCK + 5000) /* in an entry of the table that is empty */

/* A disk that loses power in the first write of a whole copy. */
struct losing {
	struct temp_disk *temp;
	bool unsure; /* what was written to the head is on no medium yet */
	unsigned char head[IMAGE_BLOCK];
};

/* Nothing reaches the medium then but the sector that lacked. */
static int keep_one_sector(void *context, enum disk_operation operation, uint64_t offset,
			   size_t size)
{
	struct losing *losing = context;
	const unsigned char zero = 0;

	if (operation == DISK_OP_FLUSH)
		losing->unsure = false;
	if (operation != DISK_OP_WRITE)
		return 0;
	assert_int_equal(offset, IMAGE_SUPER1);
	if (size != SUPER_BYTES) {
		assert_int_equal(size, IMAGE_BLOCK);
		temp_disk_read(losing->temp, offset, losing->head, IMAGE_BLOCK);
		losing->unsure = true;
		return 0;
	}
	if (losing->unsure)
		temp_disk_write(losing->temp, offset, losing->head, IMAGE_BLOCK);
	temp_disk_write(losing->temp, LACKING, &zero, 1);
	return EIO;
}

/*
 * A commit that was cut has left a copy that lacks a sector, and a boot has gone on without it. The
 * next write must not make that one whole.
 */
static void test_no_copy_comes_back(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super before, super, again;
	struct losing losing = { .temp = temp };
	uint64_t where = IMAGE_SUPER0;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &before, &err), 0);
	super = before;
	set_state(&super, IMAGE_VALID);
	temp->disk.fault = fail_at;
	temp->disk.fault_context = &where;
	assert_int_equal(image_super_write(&temp->disk, &super, &err), -EIO);
	temp->disk.fault = NULL;
	assert_int_equal(image_super_read(&temp->disk, &again, &err), 0);
	assert_int_equal(again.state, IMAGE_VALID);
	temp_disk_flip(temp, LACKING, 1);
	assert_int_equal(image_super_read(&temp->disk, &again, &err), 0);
	assert_int_equal(again.state, IMAGE_EMPTY);

	temp->disk.fault = keep_one_sector;
	temp->disk.fault_context = &losing;
	set_state(&again, IMAGE_VALID);
	assert_int_equal(image_super_write(&temp->disk, &again, &err), -EIO);
	temp->disk.fault = NULL;
	assert_int_equal(image_super_read(&temp->disk, &again, &err), 0);
	assert_memory_equal(&again, &before, sizeof(again));
}

/* A bad block under one copy: what says "not this image" must get through, nothing else may. */
static void test_one_bad_block(void **state)
{
	static const uint64_t blocks[] = { IMAGE_SUPER0, IMAGE_SUPER1 };
	struct temp_disk *temp = *state;
	struct image_super super, after;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
	for (int i = 0; i < 2; i++) {
		uint64_t where = blocks[i];

		for (uint32_t to = IMAGE_EMPTY; to <= IMAGE_STALE; to++) {
			bool harmless = to != IMAGE_VALID && to != IMAGE_HANDED_OVER;
			int code;

			temp->disk.fault = NULL;
			set_state(&super, IMAGE_VALID);
			assert_int_equal(image_super_write(&temp->disk, &super, &err), 0);
			temp->disk.fault = fail_at;
			temp->disk.fault_context = &where;
			set_state(&super, to);
			code = to == IMAGE_STALE
				       ? image_mark_stale(&temp->disk, &super, "a test", &err)
				       : image_super_write(&temp->disk, &super, &err);
			assert_int_equal(code, harmless ? 0 : -EIO);
			if (!harmless)
				continue;
			assert_int_equal(image_super_read(&temp->disk, &after, &err), 0);
			assert_int_equal(after.state, to);
		}
	}
	temp->disk.fault = NULL;
}

/* The writes of superblocks, of which those fail that have a bit in MASK. */
struct failing {
	unsigned mask, count;
};

static int fail_some(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	struct failing *failing = context;

	if (operation != DISK_OP_WRITE || size != SUPER_BYTES ||
	    (offset != IMAGE_SUPER0 && offset != IMAGE_SUPER1))
		return 0;
	return failing->mask >> failing->count++ & 1 ? EIO : 0;
}

/* The superblock is written once more, but for copy MISSED (2: none). */
static void miss_copy(struct temp_disk *temp, int missed, struct image_super *super)
{
	uint64_t where = missed == 1 ? IMAGE_SUPER1 : IMAGE_SUPER0;
	struct error err;

	temp->disk.fault = missed < 2 ? fail_at : NULL;
	temp->disk.fault_context = &where;
	assert_int_equal(image_super_write(&temp->disk, super, &err), 0);
	temp->disk.fault = NULL;
	assert_int_equal(image_super_read(&temp->disk, super, &err), 0);
}

/*
 * Whichever copy is the newer one, and whichever writes of the commit and of what takes it back
 * fail: an image counts that was saved, or none, or somebody is told that nobody knows.
 */
static void test_commit_taken_back(void **state)
{
	static const struct fake fake = { .seed = 7, .frames = 64, .chunk_pages = 16 };
	struct temp_disk *temp = *state;
	struct image_super before, super, after;
	unsigned sure = 0;
	struct error err;

	for (int missed = 0; missed < 3; missed++)
		for (unsigned mask = 0; mask < 16; mask++) {
			struct failing failing = { .mask = mask };
			int code;

			assert_int_equal(image_format(&temp->disk, NULL, &before, &err), 0);
			miss_copy(temp, missed, &before);
			temp->disk.fault = fail_some;
			temp->disk.fault_context = &failing;
			code = fake_write(&fake, &temp->disk, IMAGE_HIBERNATION, 1, &super, &err);
			temp->disk.fault = NULL;
			assert_int_equal(code, mask & 3 ? -EIO : 0);
			if (code && strstr(err.text, "may hold an image"))
				continue;
			sure++;
			assert_int_equal(image_super_read(&temp->disk, &after, &err), 0);
			assert_memory_equal(after.table, (code ? &before : &super)->table,
					    sizeof(after.table));
		}
	/* Not where both writes of what takes it back fail. */
	assert_int_equal(sure, 3 * 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stale_and_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_between_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_after_a_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_copy_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_bad_block, setup, teardown),
		cmocka_unit_test_setup_teardown(test_commit_taken_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
