/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images in files: the map, and what is read and written by it. */
#include <errno.h>
#include <stdlib.h>

#include "common/crc32c.h"
#include "image/filemap.h"
#include "image/image.h"
#include "tests/unit/temp-disk.h"

#define PAGE	  4096ULL
#define MIB	  1048576ULL
#define DISK_SIZE (64 * MIB)
#define PLACE	  (5 * MIB)
#define SPEC	  "UUID=0a1b-2C3D@5242880"

struct fixture {
	struct temp_disk temp;
	struct image_map *map;
	struct image_super super;
};

/* In three pieces, out of order on the device: 25 MiB and a page in all. */
static void fill_map(struct image_map *map)
{
	static const struct image_filemap_extent extents[] = {
		{ PLACE, MIB }, { 40 * MIB, 16 * MIB }, { 20 * MIB + PAGE, 8 * MIB + PAGE }
	};

	memset(map, 0, sizeof(*map));
	map->place = PLACE;
	map->extent_count = 3;
	memcpy(map->extents, extents, sizeof(extents));
	strcpy(map->device, "UUID=0A1B-2C3D");
	strcpy(map->path, "/var/lib/kjump.img");
}

/* The device again, as somebody opens it who has not opened it before. */
static void reopen(struct fixture *fixture, struct disk *disk)
{
	struct error err;

	assert_int_equal(disk_open(fixture->temp.path, DISK_WRITE, disk, &err), 0);
}

/* Claimed, as kernel A does it. */
static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error err = { 0 };
	struct disk file;

	assert_non_null(fixture);
	temp_disk_create(&fixture->temp, DISK_SIZE);
	fixture->map = disk_buffer(sizeof(*fixture->map));
	fill_map(fixture->map);
	assert_int_equal(filemap_write(&fixture->temp.disk, PLACE, fixture->map, &err), 0);
	reopen(fixture, &file);
	assert_int_equal(filemap_narrow(&file, fixture->map, &err), 0);
	assert_int_equal(file.size, 25 * MIB + PAGE - IMAGE_MAP_SIZE);
	assert_int_equal(image_format(&file, NULL, &fixture->super, &err), 0);
	disk_close(&file);
	memcpy(fixture->map->device_uuid, fixture->super.device_uuid, 16);
	assert_int_equal(filemap_write(&fixture->temp.disk, PLACE, fixture->map, &err), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	temp_disk_remove(&fixture->temp);
	free(fixture->map);
	free(fixture);
	return 0;
}

static int enter(struct fixture *fixture, const char *spec, struct disk *disk, struct error *err)
{
	reopen(fixture, disk);
	return filemap_enter(spec, disk, err);
}

static void refused(struct fixture *fixture, const char *spec, int code, const char *why)
{
	struct error err = { 0 };
	struct disk disk;

	assert_int_equal(enter(fixture, spec, &disk, &err), -code);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" says nothing of \"%s\"", err.text, why);
	assert_int_equal(disk.fd, -1);
}

/* Each page lies where the extents say, and no other byte of the device is written. */
static void test_pages(void **state)
{
	struct fixture *fixture = *state;
	unsigned char *before = temp_disk_save(&fixture->temp), *after, *page = disk_buffer(PAGE);
	struct image_super super;
	struct error err = { 0 };
	struct disk disk;
	uint64_t at = 0;

	assert_int_equal(enter(fixture, SPEC, &disk, &err), 0);
	assert_non_null(strstr(disk.name, "/var/lib/kjump.img on /"));
	assert_int_equal(disk.size, 25 * MIB + PAGE - IMAGE_MAP_SIZE);
	assert_int_equal(image_super_read(&disk, &super, &err), 0);
	assert_memory_equal(super.device_uuid, fixture->super.device_uuid, 16);
	for (at = 0; at < disk.size; at += PAGE) {
		memset(page, (int)(1 + at / PAGE % 251), PAGE);
		assert_int_equal(disk_write(&disk, page, PAGE, at, &err), 0);
	}
	assert_int_equal(disk_flush(&disk, &err), 0);
	assert_int_equal(disk_write(&disk, page, PAGE, disk.size, &err), -ENOSPC);
	disk_close(&disk);

	after = temp_disk_save(&fixture->temp);
	at = 0;
	for (uint32_t i = 0; i < fixture->map->extent_count; i++) {
		const struct image_filemap_extent *extent = &fixture->map->extents[i];

		for (uint64_t offset = i ? 0 : IMAGE_MAP_SIZE; offset < extent->length;
		     offset += PAGE, at += PAGE) {
			unsigned char *found = after + extent->offset + offset;

			memset(page, (int)(1 + at / PAGE % 251), PAGE);
			assert_memory_equal(found, page, PAGE);
			memcpy(found, before + extent->offset + offset, PAGE);
		}
	}
	assert_memory_equal(after, before, DISK_SIZE);
	free(before);
	free(after);
	free(page);
}

/* What spans extents is one transfer to those who ask for it. */
static void test_long_transfer(void **state)
{
	struct fixture *fixture = *state;
	const size_t size = 20 * MIB;
	unsigned char *out = disk_buffer(size), *in = disk_buffer(size);
	struct error err = { 0 };
	struct disk disk;

	for (size_t i = 0; i < size; i++)
		out[i] = (unsigned char)(i * 31 + (i >> 12));
	assert_int_equal(enter(fixture, SPEC, &disk, &err), 0);
	assert_int_equal(disk_write(&disk, out, size, PAGE, &err), 0);
	assert_int_equal(disk_read(&disk, in, size, PAGE, &err), 0);
	assert_memory_equal(in, out, size);
	disk_close(&disk);
	free(out);
	free(in);
}

/* Every bit of it: a map that is not as it was written leads nowhere. */
static void test_flipped_bits(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t at = 0; at < IMAGE_MAP_SIZE; at += at < 700 ? 1 : 211)
		for (unsigned bit = 0; bit < 8; bit += 3) {
			struct error err = { 0 };
			struct disk disk;

			temp_disk_flip(&fixture->temp, PLACE + at, 1U << bit);
			if (!enter(fixture, SPEC, &disk, &err))
				fail_msg("bit %u of byte %llu", bit, (unsigned long long)at);
			temp_disk_flip(&fixture->temp, PLACE + at, 1U << bit);
		}
}

/* A map whose checksum is right, and which says something impossible. */
static void lie(struct fixture *fixture, const char *why)
{
	struct error err = { 0 };

	assert_int_equal(filemap_write(&fixture->temp.disk, PLACE, fixture->map, &err), 0);
	refused(fixture, SPEC, EUCLEAN, why);
	fill_map(fixture->map);
	memcpy(fixture->map->device_uuid, fixture->super.device_uuid, 16);
}

static void test_impossible(void **state)
{
	struct fixture *fixture = *state;
	struct image_map *map = fixture->map;

	map->extent_count = 0;
	lie(fixture, "number of extents");
	map->extent_count = IMAGE_MAP_EXTENTS + 1;
	lie(fixture, "number of extents");
	map->extent_count = 2;
	lie(fixture, "reserved bytes");
	map->extents[0].length = IMAGE_MAP_SIZE - PAGE;
	lie(fixture, "first extent");
	map->extents[1].offset += 512;
	lie(fixture, "impossible extent");
	map->extents[1].length -= 512;
	lie(fixture, "impossible extent");
	map->extents[1].length = 0;
	lie(fixture, "impossible extent");
	map->extents[2].length = INT64_MAX & ~(PAGE - 1);
	lie(fixture, "impossible extent");
	map->extents[2].offset = map->extents[1].offset + 16 * MIB - PAGE;
	lie(fixture, "overlap");
	map->extents[2].offset = map->extents[1].offset;
	lie(fixture, "overlap");
	map->extents[1].offset = DISK_SIZE - MIB;
	lie(fixture, "does not lie on the device");
	map->reserved0 = 1;
	lie(fixture, "reserved bytes");
	memset(map->path, 'x', sizeof(map->path));
	lie(fixture, "without an end");
	map->extent_count = 1;
	memset(map->extents + 1, 0, 2 * sizeof(*map->extents));
	lie(fixture, "too small");
}

/* Nobody is led by a map that lies elsewhere than it says, as in a copy of the file. */
static void test_copy(void **state)
{
	struct fixture *fixture = *state;
	struct error err = { 0 };

	assert_int_equal(filemap_write(&fixture->temp.disk, MIB, fixture->map, &err), 0);
	refused(fixture, "UUID=0a1b-2C3D@1048576", EUCLEAN, "is a copy");
	refused(fixture, "UUID=0a1b-2C3E@5242880", EUCLEAN, "is a copy");
	refused(fixture, "UUID=0a1b-2C3D@2097152", ENOMEDIUM, "no file that is claimed");
	refused(fixture, "UUID=0a1b-2C3D@5242881", ENOMEDIUM, "no file that is claimed");
	refused(fixture, "UUID=0a1b-2C3D@99999999999", ENOMEDIUM, "no file that is claimed");
}

static void test_newer(void **state)
{
	struct fixture *fixture = *state;
	struct image_map *map = fixture->map;
	struct error err = { 0 };

	map->version = IMAGE_MAP_VERSION + 1;
	map->crc = 0;
	map->crc = crc32c(0, map, sizeof(*map));
	assert_int_equal(disk_write(&fixture->temp.disk, map, sizeof(*map), PLACE, &err), 0);
	refused(fixture, SPEC, ENOTSUP, "version 2");
}

/* The file was removed, and some of its blocks are another's by now: those are left alone. */
static void test_removed(void **state)
{
	static const uint64_t supers[] = { PLACE + IMAGE_MAP_SIZE + IMAGE_SUPER0,
					   PLACE + IMAGE_MAP_SIZE + IMAGE_SUPER1 };
	struct fixture *fixture = *state;

	for (int i = 0; i < 2; i++) {
		temp_disk_flip(&fixture->temp, supers[i], 1);
		refused(fixture, SPEC, EUCLEAN, "is not where /var/lib/kjump.img was");
		temp_disk_flip(&fixture->temp, supers[i], 1);
		temp_disk_flip(&fixture->temp, supers[i] + 40, 1);
		refused(fixture, SPEC, EUCLEAN, "is not where /var/lib/kjump.img was");
		temp_disk_flip(&fixture->temp, supers[i] + 40, 1);
	}
}

/* The power went when one copy was mended: the other one tells whose they are, but none alone. */
static void test_cleared(void **state)
{
	static const uint64_t supers[] = { PLACE + IMAGE_MAP_SIZE + IMAGE_SUPER0,
					   PLACE + IMAGE_MAP_SIZE + IMAGE_SUPER1 };
	static const char zeros[1024];
	struct fixture *fixture = *state;
	struct error err = { 0 };
	struct disk disk;
	char head[1024];

	for (int i = 0; i < 2; i++) {
		temp_disk_read(&fixture->temp, supers[i], head, sizeof(head));
		temp_disk_write(&fixture->temp, supers[i], zeros, sizeof(zeros));
		if (enter(fixture, SPEC, &disk, &err))
			fail_msg("%s", err.text);
		disk_close(&disk);
		temp_disk_flip(&fixture->temp, supers[!i], 1);
		refused(fixture, SPEC, EUCLEAN, "is not where /var/lib/kjump.img was");
		temp_disk_flip(&fixture->temp, supers[!i], 1);
		temp_disk_write(&fixture->temp, supers[i], head, sizeof(head));
	}
	for (int i = 0; i < 2; i++)
		temp_disk_write(&fixture->temp, supers[i], zeros, sizeof(zeros));
	refused(fixture, SPEC, EUCLEAN, "is not where /var/lib/kjump.img was");
}

/* As the system sees it whose file it is: also in a copy, which is read where it lies. */
static void test_as_file(void **state)
{
	struct fixture *fixture = *state;
	void *buffer = disk_buffer(IMAGE_MAP_SIZE);
	struct image_super super;
	struct temp_disk copy;
	struct error err = { 0 };
	struct disk disk;

	temp_disk_create(&copy, 26 * MIB);
	for (uint64_t at = 0; at < MIB; at += IMAGE_MAP_SIZE) {
		temp_disk_read(&fixture->temp, PLACE + at, buffer, IMAGE_MAP_SIZE);
		temp_disk_write(&copy, at, buffer, IMAGE_MAP_SIZE);
	}
	assert_int_equal(disk_open(copy.path, DISK_READ, &disk, &err), 0);
	assert_int_equal(filemap_enter(copy.path, &disk, &err), 0);
	assert_int_equal(disk.size, 26 * MIB - IMAGE_MAP_SIZE);
	assert_int_equal(image_super_read(&disk, &super, &err), 0);
	assert_memory_equal(super.device_uuid, fixture->super.device_uuid, 16);
	disk_close(&disk);

	/* The image of a disk is none. */
	assert_int_equal(disk_open(fixture->temp.path, DISK_READ, &disk, &err), 0);
	assert_int_equal(filemap_enter(fixture->temp.path, &disk, &err), 0);
	assert_int_equal(disk.size, DISK_SIZE);
	disk_close(&disk);
	temp_disk_remove(&copy);
	free(buffer);
}

static void test_names(void **state)
{
	static const char *const others[] = {
		"UUID=a",    "UUID=a@",	  "UUID=a@-1",
		"UUID=a@1x", "LABEL=a@1", "PARTLABEL=a@1",
		"/dev/a@1",  "a@1",	  "UUID=a@99999999999999999999"
	};
	uint64_t place = 0;
	char device[16];

	(void)state;
	assert_true(disk_spec_is_file("UUID=1A2B-3C4D@4096", device, sizeof(device), &place));
	assert_string_equal(device, "UUID=1A2B-3C4D");
	assert_int_equal(place, 4096);
	assert_true(disk_spec_is_file("PARTUUID=a-02@0", device, sizeof(device), &place));
	assert_string_equal(device, "PARTUUID=a-02");
	assert_false(disk_spec_is_file("UUID=1a2b3c4d5e6f@4096", device, sizeof(device), &place));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(disk_spec_is_file(others[i], device, sizeof(device), &place));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_transfer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flipped_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_impossible, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cleared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_as_file, setup, teardown),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
