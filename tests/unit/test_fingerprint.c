/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashing raw bytes of devices, and whether they are what they were. */
#include <errno.h>

#include "disk/fingerprint.h"
#include "fake-image.h"
#include "restore/check.h"

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

#define EXTENTS 4

/* Extents on two devices in turn, and what they hold now. */
static void watch_all(struct image_watch watch[EXTENTS], const struct temp_disk disks[2])
{
	struct fingerprint fingerprint = { .tag = "" };
	struct error err;

	for (unsigned i = 0; i < EXTENTS; i++) {
		watch[i].extent = (struct watch){ .offset = 5000 * i, .length = 1000 };
		strcpy(watch[i].extent.tag, disks[i % 2].path);
		assert_int_equal(
			fingerprint_hash(&fingerprint, &watch[i].extent, &watch[i].xxh3, &err), 0);
	}
	fingerprint_end(&fingerprint);
}

/* Whichever of the extents was changed, or cannot be looked at, is found. */
static void test_check_all(void **state)
{
	struct image_watch watch[EXTENTS] = { 0 };
	const struct image_index index = { .watch = watch, .watch_count = EXTENTS };
	struct waiting waiting = waiting_from(0, 0);
	struct temp_disk disks[2];
	struct error err = { 0 };

	(void)state;
	temp_disk_create(&disks[0], 1 << 20);
	temp_disk_create(&disks[1], 1 << 20);
	watch_all(watch, disks);
	assert_int_equal(check_fingerprints(&index, &waiting, &err), 0);
	for (unsigned i = 0; i < EXTENTS; i++) {
		const struct watch *extent = &watch[i].extent;

		temp_disk_flip(&disks[i % 2], extent->offset + extent->length - 1, 1);
		assert_int_equal(check_fingerprints(&index, &waiting, &err), -ESTALE);
		assert_non_null(strstr(err.text, extent->tag));
		temp_disk_flip(&disks[i % 2], extent->offset + extent->length - 1, 1);
		watch[i].extent.offset = 1 << 20;
		assert_int_equal(check_fingerprints(&index, &waiting, &err), -EIO);
		watch[i].extent.offset = 5000 * i;
	}
	strcpy(watch[EXTENTS - 1].extent.tag, "UUID=no-device-has-this");
	assert_int_equal(check_fingerprints(&index, &waiting, &err), -ENODEV);
	temp_disk_remove(&disks[0]);
	temp_disk_remove(&disks[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_refuses),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_check_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
