/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading an image for a rehearsal. (Acquiring frames needs a machine of one's own: tests/e2e.) */
#include "fake-image.h"

#include "restore/stage.h"

static void verify(void **state)
{
	const struct fake fake = { .seed = 21, .frames = 600, .chunk_pages = 64 };
	struct image_index index = { .chunk_count = 0 };
	struct image_super super;
	struct temp_disk temp;
	struct error err = { 0 };
	uint64_t hash;

	(void)state;
	temp_disk_create(&temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&temp.disk, NULL, &super, &err), 0);
	assert_int_equal(fake_write(&fake, &temp.disk, IMAGE_HIBERNATION, 1, &super, &err), 0);
	assert_int_equal(image_index_read(&temp.disk, &super, NULL, &index, &err), 0);
	assert_true(index.chunk_count > 3);
	assert_int_equal(stage_verify(&temp.disk, &index, false, &err), 0);

	/* What a restore leaves to the payload. */
	hash = index.chunks[2].page_hash;
	index.chunks[2].page_hash ^= 1;
	assert_int_equal(stage_verify(&temp.disk, &index, true, &err), -EUCLEAN);
	assert_string_equal(err.text, "chunk 2: checksum of the pages is wrong");
	index.chunks[2].page_hash = hash;

	temp_disk_flip(&temp, index.chunks[3].offset, 1);
	assert_int_equal(stage_verify(&temp.disk, &index, true, &err), -EUCLEAN);
	assert_string_equal(err.text, "chunk 3: checksum mismatch");
	image_index_free(&index);
	temp_disk_remove(&temp);
}

/* What cannot be had is not begun to be taken; what the kernel's estimate may miss is tried. */
static void out_of_the_question(void **state)
{
	const uint64_t mib = 1048576, frames = mib / FRAME_SIZE;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(frames_conceivable(1600 * mib, 100 * mib, 1500 * frames, &err), 0);
	assert_int_equal(frames_conceivable(1600 * mib, 100 * mib, 1664 * frames, &err), 0);
	assert_int_equal(frames_conceivable(1600 * mib, 100 * mib, 1665 * frames, &err), -ENOMEM);
	assert_string_equal(err.text, "1600 MiB are available, of which 100 MiB are the reserve");
	/* Far more than this machine has. */
	assert_true(frames_available() > 0);
	assert_int_equal(
		frames_conceivable(frames_available(), mib, 4 * frames_available() / 4096, &err),
		-ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(verify),
					    cmocka_unit_test(out_of_the_question) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
