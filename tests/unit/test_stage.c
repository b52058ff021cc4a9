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
	assert_int_equal(image_index_read(&temp.disk, &super, &index, &err), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(verify) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
