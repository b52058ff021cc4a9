/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The superblock: claiming, reading, and what damage does to it. */
#include <errno.h>

#include "super-disk.h"

static void test_format(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super first, second;
	unsigned char byte;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &first, &err), 0);
	assert_int_equal(first.state, IMAGE_EMPTY);
	assert_int_equal(first.device_size, IMAGE_MIN_SIZE);
	assert_string_equal(first.label, "test");
	assert_int_equal(first.device_uuid[6] >> 4, 4);

	/* Again: another UUID, and nothing left at the ends. */
	temp_disk_write(temp, 5000, "x", 1);
	temp_disk_write(temp, IMAGE_MIN_SIZE - 1, "x", 1);
	assert_int_equal(image_format(&temp->disk, NULL, &second, &err), 0);
	assert_memory_not_equal(first.device_uuid, second.device_uuid, 16);
	assert_string_equal(second.label, "");
	/* What is shown must not drive a terminal. */
	assert_int_equal(image_format(&temp->disk, "\x1b[31mred", &second, &err), -EINVAL);
	assert_string_equal(err.text, "label \"?[31mred\" is not printable");
	temp_disk_read(temp, 5000, &byte, 1);
	assert_int_equal(byte, 0);
	temp_disk_read(temp, IMAGE_MIN_SIZE - 1, &byte, 1);
	assert_int_equal(byte, 0);
}

static void test_format_refuses(void **state)
{
	struct temp_disk *temp = *state, small;
	struct image_super super, before;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &before, &err), 0);
	assert_int_equal(image_format(&temp->disk, "sixteen bytes...", &super, &err), -EINVAL);
	assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
	assert_memory_equal(&super, &before, sizeof(super));

	temp_disk_create(&small, IMAGE_MIN_SIZE - 4096);
	assert_int_equal(image_format(&small.disk, NULL, &super, &err), -ENOSPC);
	assert_int_equal(image_super_read(&small.disk, &super, &err), -ENOMEDIUM);
	temp_disk_remove(&small);
}

static void test_not_claimed(void **state)
{
	struct temp_disk temp;
	struct image_super super;
	struct error err;

	(void)state;
	temp_disk_create(&temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_super_read(&temp.disk, &super, &err), -ENOMEDIUM);
	assert_string_equal(err.text, "not a kjump device");
	temp_disk_remove(&temp);
}

/* What a power cut leaves: one copy is whole and older. */
static void test_older_copy(void **state)
{
	static const uint64_t places[] = { IMAGE_SUPER0, IMAGE_SUPER1 };
	struct temp_disk *temp = *state;
	unsigned char old[SUPER_BYTES];
	struct image_super super;
	struct error err;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(pread(temp->disk.fd, old, sizeof(old), (off_t)places[i]),
				 sizeof(old));
		assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
		assert_int_equal(image_super_write(&temp->disk, &super, &err), 0);
		assert_int_equal(image_verify(&temp->disk, &super, NULL, 1, NULL, &err), 0);
		assert_int_equal(pwrite(temp->disk.fd, old, sizeof(old), (off_t)places[i]),
				 sizeof(old));
		assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
		assert_int_equal(image_verify(&temp->disk, &super, NULL, 1, NULL, &err), -ESTALE);
		assert_non_null(strstr(err.text, "older than the other"));
	}
}

/* One byte wrong: in a copy the other one takes over; in the signature the claim is void. */
static void test_every_byte(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super before, super;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &before, &err), 0);
	for (unsigned i = 0; i < 2 * SUPER_BYTES; i++) {
		uint64_t offset = i < SUPER_BYTES ? i : IMAGE_SUPER1 + i - SUPER_BYTES;
		bool signature = i >= sizeof(struct image_head) && i < IMAGE_BLOCK;
		int code;

		temp_disk_flip(temp, offset, 1 << i % 8);
		code = image_super_read(&temp->disk, &super, &err);
		assert_int_equal(code, signature ? -EUCLEAN : 0);
		if (!code)
			assert_memory_equal(&super, &before, sizeof(super));
		assert_true(image_verify(&temp->disk, &before, NULL, 1, NULL, &err) < 0);
		temp_disk_flip(temp, offset, 1 << i % 8);
	}
	assert_int_equal(image_verify(&temp->disk, &before, NULL, 1, NULL, &err), 0);
}

static void test_both_copies_damaged(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super super;
	struct error err;

	temp_disk_flip(temp, 100, 1);
	temp_disk_flip(temp, IMAGE_SUPER1 + 100, 1);
	assert_int_equal(image_super_read(&temp->disk, &super, &err), -EUCLEAN);
	/* The magic gone from one of them does not make it an unclaimed device. */
	temp_disk_flip(temp, 0, 1);
	assert_int_equal(image_super_read(&temp->disk, &super, &err), -EUCLEAN);
}

static void test_somebody_else_took_it(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super super;
	struct error err;

	temp_disk_write(temp, 0xff6, "SWAPSPACE2", 10);
	assert_int_equal(image_super_read(&temp->disk, &super, &err), -EUCLEAN);
	assert_non_null(strstr(err.text, "signature"));
}

static void test_lying_fields(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super good, super;
	const uint64_t end = IMAGE_MIN_SIZE - IMAGE_TAIL;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &good, &err), 0);
	good.state = IMAGE_VALID;
	good.kind = IMAGE_CHECKPOINT;
	good.serial = good.last_serial = 1;
	good.index[0] = (struct image_extent){ IMAGE_DATA_START + 12288, 4096 };
	good.index[1] = (struct image_extent){ IMAGE_DATA_START, 4096 };
	good.index_size = 8192;
	force(temp, &good);
	assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
#define LIE(code, field, value)                                                                    \
	do {                                                                                       \
		super = good;                                                                      \
		super.field = value;                                                               \
		force(temp, &super);                                                               \
		assert_int_equal(image_super_read(&temp->disk, &super, &err), -(code));            \
	} while (0)
	LIE(ENOTSUP, version, IMAGE_VERSION + 1);
	LIE(ENOTSUP, incompat, 1);
	LIE(EUCLEAN, reserved0[927], 1);
	LIE(EUCLEAN, reserved1[319], 1);
	LIE(EUCLEAN, table_count, IMAGE_TABLE + 1);
	LIE(EUCLEAN, serial, 0);
	LIE(EUCLEAN, serial, 2);
	LIE(EUCLEAN, last_serial, UINT64_MAX);
	LIE(ENOTSUP, algorithm, ALGORITHM_AEGIS256);
	LIE(ENOTSUP, algorithm, 4);
	LIE(EUCLEAN, algorithm, ALGORITHM_AES256_GCM); /* without an envelope */
	LIE(EUCLEAN, envelope_size, 4096);
	LIE(EUCLEAN, seal_flags, SEAL_PINNED);
	LIE(ENOTSUP, seal_flags, 2);
	LIE(EUCLEAN, key.pair[15], 1);
	LIE(EUCLEAN, index_rest, 1);
	LIE(EUCLEAN, key.commitment[31], 1);
	LIE(EUCLEAN, key.nonce[23], 1);
	LIE(EUCLEAN, key.box[47], 1);
	LIE(EUCLEAN, state, IMAGE_STALE + 1);
	LIE(EUCLEAN, state, IMAGE_EMPTY);
	LIE(EUCLEAN, kind, 0);
	LIE(EUCLEAN, kind, IMAGE_CORE + 1);
	LIE(EUCLEAN, label[15], 'x');
	LIE(EUCLEAN, reason[159], 'x');
	LIE(EUCLEAN, release[79], 'x');
	LIE(EUCLEAN, device_size, IMAGE_MIN_SIZE - 4096);
	LIE(EUCLEAN, device_size, IMAGE_MIN_SIZE + 1);
	LIE(EUCLEAN, device_size, UINT64_MAX & ~4095ULL);
	LIE(EUCLEAN, index[0].offset, 0);
	LIE(EUCLEAN, index[0].offset, IMAGE_DATA_START + 1);
	LIE(EUCLEAN, index[0].offset, end);
	LIE(EUCLEAN, index[0].offset, UINT64_MAX & ~4095ULL);
	LIE(EUCLEAN, index[0].offset, IMAGE_DATA_START);
	LIE(EUCLEAN, index[0].size, 0);
	LIE(EUCLEAN, index[0].size, 8192);
	LIE(EUCLEAN, index[0].size, UINT64_MAX & ~4095ULL);
	LIE(EUCLEAN, index[1].size, 0);
	LIE(EUCLEAN, index[3].size, 4096);
	LIE(EUCLEAN, index_size, 0);
	LIE(EUCLEAN, index_size, 4096);
	LIE(EUCLEAN, index_size, UINT64_MAX & ~4095ULL);
#undef LIE
	/* A feature that may be ignored. */
	super = good;
	super.compat = 1;
	force(temp, &super);
	assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
}

/* Entries that are right each by itself. */
static void test_lying_tables(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super good, super;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &good, &err), 0);
	good.state = IMAGE_VALID;
	good.kind = IMAGE_HIBERNATION;
	good.serial = 1;
	good.last_serial = 2;
	good.index[0] = (struct image_extent){ IMAGE_DATA_START, 4096 };
	good.index_size = 4096;
	table_get_entry(&good, &good.table[0]);
	good.table[7] = good.table[0];
	good.table[7].serial = 2;
	good.table[7].image_uuid[0] = 1;
	good.table[7].kind = IMAGE_CHECKPOINT;
	super = good;
	disk_put_supers(temp, &super);
	assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
	assert_int_equal(super.slot, 0); /* what waits comes before what is newer */
	assert_int_equal(image_super_count_images(&super), 2);
	assert_true(image_super_select(&super, good.table[7].image_uuid));
	assert_int_equal(super.kind, IMAGE_CHECKPOINT);
#define LIE(field, value)                                                                          \
	do {                                                                                       \
		super = good;                                                                      \
		super.table[7].field = value;                                                      \
		disk_put_supers(temp, &super);                                                     \
		assert_int_equal(image_super_read(&temp->disk, &super, &err), -EUCLEAN);           \
	} while (0)
	LIE(kind, IMAGE_HIBERNATION);
	LIE(serial, 1);
	LIE(image_uuid[0], 0);
#undef LIE
}

/* What the first version of the format left is named, and so is what to do. */
static void test_version_1(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super super;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
	super.version = 1;
	disk_put_supers(temp, &super);
	assert_int_equal(image_super_read(&temp->disk, &super, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "format it again"));
}

/* What cannot be read may be the newer one, whichever copy it is. */
static void test_version_of_one_copy(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super good, super;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &good, &err), 0);
	for (int copy = 0; copy < 2; copy++) {
		super = good;
		super.version++;
		disk_put_super(temp, copy, &super);
		assert_int_equal(image_super_read(&temp->disk, &super, &err), -ENOTSUP);
		disk_put_super(temp, copy, &good);
		assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
	}
}

static void test_truncated(void **state)
{
	struct temp_disk temp, same;
	struct image_super super;
	struct error err;

	(void)state;
	temp_disk_create(&temp, 2 * IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&temp.disk, NULL, &super, &err), 0);
	assert_int_equal(ftruncate(temp.fd, 2 * IMAGE_MIN_SIZE - 1), 0);
	assert_int_equal(disk_open(temp.path, DISK_READ, &same.disk, &err), 0);
	assert_int_equal(image_super_read(&same.disk, &super, &err), -EUCLEAN);
	assert_non_null(strstr(err.text, "truncated"));
	disk_close(&same.disk);
	temp_disk_remove(&temp);
}

/* Whatever is left of it, as long as there is one head. */
static void test_truncated_anywhere(void **state)
{
	static const uint64_t sizes[] = { 4096,	  8192,	   20480,   24576,    524288,
					  528384, 1048576, 8388608, 16773120, 33550336 };
	struct temp_disk temp;
	struct image_super super;
	char text[100];
	struct error err;

	(void)state;
	temp_disk_create(&temp, 2 * IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&temp.disk, NULL, &super, &err), 0);
	for (int damaged = 0; damaged < 2; damaged++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			temp.disk.size = sizes[i];
			snprintf(text, sizeof(text),
				 "truncated: %llu bytes, 33554432 when it was formatted",
				 (unsigned long long)sizes[i]);
			if (damaged && sizes[i] < IMAGE_SUPER1 + IMAGE_BLOCK)
				continue;
			assert_int_equal(image_super_read(&temp.disk, &super, &err), -EUCLEAN);
			assert_string_equal(err.text, text);
		}
		temp_disk_flip(&temp, 8, 1);
	}
	temp.disk.size = 0;
	assert_int_equal(image_super_read(&temp.disk, &super, &err), -ENOMEDIUM);
	assert_string_equal(err.text, "not a kjump device: too small to be one");
	temp_disk_remove(&temp);
}

/* A number that the next write would wrap around, or make one that no reader believes. */
static void test_last_numbers(void **state)
{
	struct temp_disk *temp = *state;
	struct image_super super, last, again;
	struct error err;

	assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);
	super.last_serial = INT64_MAX;
	assert_int_equal(image_super_write(&temp->disk, &super, &err), 0);
	set_state(&super, IMAGE_VALID);
	assert_int_equal(image_super_write(&temp->disk, &super, &err), -EOVERFLOW);
	assert_int_equal(image_super_read(&temp->disk, &super, &err), 0);

	super.generation = INT64_MAX - 1;
	assert_int_equal(image_super_write(&temp->disk, &super, &err), 0);
	assert_int_equal(image_super_read(&temp->disk, &last, &err), 0);
	assert_int_equal(image_super_write(&temp->disk, &super, &err), -EOVERFLOW);
	assert_non_null(strstr(err.text, "format it anew"));
	assert_int_equal(image_super_read(&temp->disk, &again, &err), 0);
	assert_memory_equal(&again, &last, sizeof(again));

	super.generation = UINT64_MAX - 1;
	force(temp, &super);
	assert_true(image_super_read(&temp->disk, &again, &err) < 0);
	assert_non_null(strstr(err.text, "generation"));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(image_state_name(IMAGE_HANDED_OVER), "handed over");
	assert_string_equal(image_state_name(99), "unknown");
	assert_string_equal(image_kind_name(IMAGE_HIBERNATION), "hibernation");
	assert_string_equal(image_kind_name(UINT32_MAX), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_format, setup, teardown),
		cmocka_unit_test_setup_teardown(test_format_refuses, setup, teardown),
		cmocka_unit_test(test_not_claimed),
		cmocka_unit_test_setup_teardown(test_older_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_both_copies_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_somebody_else_took_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lying_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lying_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version_1, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version_of_one_copy, setup, teardown),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test_setup_teardown(test_last_numbers, setup, teardown),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
