/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a boot writes to the superblock of an image that it could not restore. */
#include "fake-image.h"

#include "common/clock.h"
#include "restore/target.h"

static const struct fake small = { .seed = 5, .frames = 60, .chunk_pages = 32 };

static void read_super(const struct temp_disk *temp, struct image_super *super)
{
	struct error err = { 0 };

	assert_int_equal(image_super_read(&temp->disk, super, &err), 0);
}

static enum exit_code count(const struct temp_disk *temp)
{
	return target_count_reboot(temp->path, waiting_from(clock_now(), 0));
}

/* Three times for each image, and not for what is none that waits. */
static void reboots(void **state)
{
	struct image_super super, before;
	struct temp_disk temp;
	struct error err = { 0 };

	(void)state;
	temp_disk_create(&temp, IMAGE_MIN_SIZE);
	assert_int_equal(count(&temp), EXIT_NO_IMAGE);
	assert_int_equal(image_format(&temp.disk, NULL, &super, &err), 0);
	assert_int_equal(count(&temp), EXIT_NO_IMAGE);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(fake_write(&small, &temp.disk, IMAGE_HIBERNATION, 1, &super, &err),
				 0);
		for (uint32_t i = 0; i < TARGET_REBOOTS; i++) {
			read_super(&temp, &super);
			assert_int_equal(super.reboots, i);
			assert_int_equal(count(&temp), EXIT_DONE);
		}
		read_super(&temp, &before);
		assert_int_equal(before.reboots, TARGET_REBOOTS);
		assert_int_equal(before.state, IMAGE_VALID);
		assert_int_equal(before.attempts, 0);
		assert_int_equal(count(&temp), EXIT_FAILED);
		read_super(&temp, &super);
		assert_memory_equal(&super, &before, sizeof(super));
	}
	assert_int_equal(image_mark_stale(&temp.disk, &super, "why", &err), 0);
	assert_int_equal(count(&temp), EXIT_NO_IMAGE);
	temp_disk_remove(&temp);
	assert_int_equal(target_count_reboot("/nowhere", waiting_from(clock_now(), 0)),
			 EXIT_NO_DEVICE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reboots) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
