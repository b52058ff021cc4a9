/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes in pieces: reading and writing them, and what is not to be watched because of them. */
#include <errno.h>
#include <stdlib.h>

#include "kjump/watch/volume.h"
#include "tests/unit/temp-disk.h"

#define PAGE	  4096
#define DISK_SIZE (16 * PAGE)

struct fixture {
	struct temp_disk disks[2];
	struct watch pieces[3];
};

/* Pages 4 to 7 of disk 0, 8 and 9 of disk 1, then 12 to 15 of disk 0. */
static int setup(void **state)
{
	static const struct {
		int disk;
		unsigned first, count;
	} places[] = { { 0, 4, 4 }, { 1, 8, 2 }, { 0, 12, 4 } };
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	for (int i = 0; i < 2; i++)
		temp_disk_create(&fixture->disks[i], DISK_SIZE);
	for (int i = 0; i < 3; i++) {
		struct watch *piece = &fixture->pieces[i];

		strcpy(piece->tag, fixture->disks[places[i].disk].path);
		piece->offset = places[i].first * PAGE;
		piece->length = places[i].count * PAGE;
	}
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 2; i++)
		temp_disk_remove(&fixture->disks[i]);
	free(fixture);
	return 0;
}

/* Each page of the volume lies where the pieces say, and nothing else is written to. */
static void test_pages(void **state)
{
	static const struct {
		int disk;
		unsigned page;
	} expected[] = { { 0, 4 }, { 0, 5 },  { 0, 6 },	 { 0, 7 },  { 1, 8 },
			 { 1, 9 }, { 0, 12 }, { 0, 13 }, { 0, 14 }, { 0, 15 } };
	struct fixture *fixture = *state;
	unsigned char *buffer = disk_buffer(10 * PAGE), *back = disk_buffer(10 * PAGE);
	char bytes[2][DISK_SIZE / PAGE] = { { 0 } };
	struct error err = { 0 };
	struct disk volume;

	for (int i = 0; i < 10; i++)
		memset(buffer + i * PAGE, 'a' + i, PAGE);
	assert_int_equal(disk_open_pieces(fixture->pieces, 3, "volume", &volume, &err), 0);
	assert_int_equal(volume.size, 10 * PAGE);
	assert_true(volume.fd >= 0);
	assert_int_equal(disk_write(&volume, buffer, 10 * PAGE, 0, &err), 0);
	assert_int_equal(disk_flush(&volume, &err), 0);
	assert_int_equal(disk_read(&volume, back, 7 * PAGE, 3 * PAGE, &err), 0);
	assert_memory_equal(back, buffer + 3 * PAGE, 7 * PAGE);
	assert_int_equal(disk_write(&volume, buffer, PAGE, 10 * PAGE, &err), -ENOSPC);
	disk_close(&volume);
	assert_int_equal(volume.fd, -1);

	for (int i = 0; i < 10; i++)
		bytes[expected[i].disk][expected[i].page] = 'a' + i;
	for (int disk = 0; disk < 2; disk++)
		for (unsigned page = 0; page < DISK_SIZE / PAGE; page++) {
			char first, last;

			temp_disk_read(&fixture->disks[disk], page * PAGE, &first, 1);
			temp_disk_read(&fixture->disks[disk], page * PAGE + PAGE - 1, &last, 1);
			assert_int_equal(first, bytes[disk][page]);
			assert_int_equal(last, bytes[disk][page]);
		}
	free(buffer);
	free(back);
}

static int fail_flush(void *context, enum disk_operation operation, uint64_t offset, size_t size)
{
	(void)context;
	(void)offset;
	(void)size;
	return operation == DISK_OP_FLUSH ? EIO : 0;
}

static void test_faults(void **state)
{
	struct fixture *fixture = *state;
	struct error err = { 0 };
	struct disk volume;

	assert_int_equal(disk_open_pieces(fixture->pieces, 3, "volume", &volume, &err), 0);
	volume.fault = fail_flush;
	assert_int_equal(disk_flush(&volume, &err), -EIO);
	disk_close(&volume);
}

static void refused(const struct watch *pieces, size_t count, int code)
{
	struct error err = { 0 };
	struct disk volume;

	assert_int_equal(disk_open_pieces(pieces, count, "volume", &volume, &err), -code);
	assert_non_null(strstr(err.text, "volume"));
	assert_int_equal(volume.fd, -1);
	assert_null(volume.pieces);
}

static void test_refused(void **state)
{
	struct fixture *fixture = *state;
	struct watch bad[3];

	refused(fixture->pieces, 0, EINVAL);
	memcpy(bad, fixture->pieces, sizeof(bad));
	strncpy(bad[2].tag, "/nowhere", sizeof(bad[2].tag));
	refused(bad, 3, ENODEV);
	memcpy(bad, fixture->pieces, sizeof(bad));
	memset(bad[1].tag, 'x', sizeof(bad[1].tag));
	refused(bad, 3, EINVAL);
	memcpy(bad, fixture->pieces, sizeof(bad));
	bad[1].offset = DISK_SIZE - PAGE;
	refused(bad, 3, ENOSPC);
	bad[1].offset = 512;
	refused(bad, 3, EINVAL);
	memcpy(bad, fixture->pieces, sizeof(bad));
	bad[1].length = 0;
	refused(bad, 3, EINVAL);
	bad[1].length = INT64_MAX / PAGE * PAGE;
	refused(bad, 3, EINVAL);
}

/* A file serves as a device for tests; it lies in no pieces. */
static void test_not_a_volume(void **state)
{
	struct fixture *fixture = *state;
	struct watch pieces[2];
	struct error err = { 0 };
	size_t count = 9;

	assert_int_equal(volume_pieces(fixture->disks[0].path, pieces, 2, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(volume_pieces("/nowhere", pieces, 2, &count, &err), -ENOENT);
}

static void test_exclude(void **state)
{
	const struct watch pieces[] = { { "A", 100, 50 }, { "B", 0, 10 }, { "A", 180, 10 } };
	const struct watch expected[] = {
		{ "A", 0, 100 },   /* ends where the piece begins */
		{ "A", 90, 10 },   /* its end is cut off */
		{ "A", 150, 30 },  /* its start, and a piece in the middle */
		{ "B", 100, 50 },  /* another device */
		{ "A", 50, 50 },   /* divided in two */
		{ "A", 190, 110 }, /* what was left behind the pieces */
		{ "A", 150, 20 },
	};
	struct watch watch[8] = { { "A", 0, 100 },
				  { "A", 90, 20 },
				  { "A", 140, 160 },
				  { "B", 100, 50 },
				  { "A", 110, 10 /* gone */ },
				  { "A", 50, 120 } };
	struct error err = { 0 };
	size_t count = 6;

	(void)state;
	assert_int_equal(volume_exclude(pieces, 3, watch, 8, &count, &err), 0);
	assert_int_equal(count, 7);
	for (size_t i = 0; i < count; i++) {
		size_t found = 0;

		for (size_t j = 0; j < count; j++)
			found += !memcmp(&watch[j], &expected[i], sizeof(watch[j]));
		assert_int_equal(found, 1);
	}
}

static void test_exclude_without_room(void **state)
{
	const struct watch piece = { "A", 100, 50 };
	struct watch watch[1] = { { "A", 0, 1000 } };
	struct error err = { 0 };
	size_t count = 1;

	(void)state;
	assert_int_equal(volume_exclude(&piece, 1, watch, 1, &count, &err), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_a_volume, setup, teardown),
		cmocka_unit_test(test_exclude),
		cmocka_unit_test(test_exclude_without_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
