/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashing raw bytes of devices. */
#include <errno.h>

#include "disk/fingerprint.h"
#include "fake-image.h"

static void test_hash_refuses(void **state)
{
	struct fingerprint fingerprint = { .tag = "" };
	struct watch watch = { .length = 4096 };
	struct error err;
	uint64_t hash;

	(void)state;
	strcpy(watch.tag, "UUID=no-device-has-this");
	assert_int_equal(fingerprint_hash(&fingerprint, &watch, &hash, &err), -ENODEV);
	memset(watch.tag, 'x', sizeof(watch.tag));
	assert_int_equal(fingerprint_hash(&fingerprint, &watch, &hash, &err), -EUCLEAN);
}

/* Exactly the named bytes, wherever they begin and end. */
static void test_hash(void **state)
{
	static const struct {
		uint64_t offset, length;
	} cases[] = { { 0, 4096 }, { 1024, 1024 }, { 5000, 1 }, { 4095, 3000000 }, { 4096, 2 } };
	struct fingerprint fingerprint = { .tag = "" };
	struct temp_disk temp, other;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 4 << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t first = cases[i].offset, behind = first + cases[i].length;
		struct watch watch = { .offset = first, .length = cases[i].length };
		uint64_t before, after;

		snprintf(watch.tag, sizeof(watch.tag), "%s", temp.path);
		assert_int_equal(fingerprint_hash(&fingerprint, &watch, &before, &err), 0);
		if (first)
			temp_disk_flip(&temp, first - 1, 1);
		temp_disk_flip(&temp, behind, 1);
		assert_int_equal(fingerprint_hash(&fingerprint, &watch, &after, &err), 0);
		assert_true(after == before);
		temp_disk_flip(&temp, first, 1);
		assert_int_equal(fingerprint_hash(&fingerprint, &watch, &after, &err), 0);
		assert_true(after != before);
		temp_disk_flip(&temp, first, 1);
		temp_disk_flip(&temp, behind - 1, 1);
		assert_int_equal(fingerprint_hash(&fingerprint, &watch, &after, &err), 0);
		assert_true(after != before);
		temp_disk_flip(&temp, behind - 1, 1);
	}
	{
		struct watch watch = { .offset = 4 << 20, .length = 1 };
		uint64_t hash;

		snprintf(watch.tag, sizeof(watch.tag), "%s", temp.path);
		assert_int_equal(fingerprint_hash(&fingerprint, &watch, &hash, &err), -EIO);
	}
	/* The next device, and the first one again. */
	temp_disk_create(&other, 4096);
	{
		struct watch first = { .length = 4096 }, second = { .length = 4096 };
		uint64_t hashes[3];

		strcpy(first.tag, temp.path);
		strcpy(second.tag, other.path);
		temp_disk_flip(&temp, 7, 1);
		assert_int_equal(fingerprint_hash(&fingerprint, &first, &hashes[0], &err), 0);
		assert_int_equal(fingerprint_hash(&fingerprint, &second, &hashes[1], &err), 0);
		assert_int_equal(fingerprint_hash(&fingerprint, &first, &hashes[2], &err), 0);
		assert_true(hashes[0] == hashes[2] && hashes[0] != hashes[1]);
	}
	fingerprint_end(&fingerprint);
	fingerprint_end(&fingerprint);
	temp_disk_remove(&other);
	temp_disk_remove(&temp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_refuses),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
