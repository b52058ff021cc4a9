/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a boot notes of its memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "restore/footprint.h"
#include "restore/frames.h"
#include "restore/stage.h"
#include "text/files.h"

#define MIB (UINT64_C(1) << 20)

static void format(void **state)
{
	struct meminfo memory = { .total = 1000 * MIB, .free = 700 * MIB, .available = 800 * MIB };
	char text[512];

	(void)state;
	footprint_format(&memory, 1024 * MIB, 0, 50 * MIB, text, sizeof(text));
	assert_string_equal(text, "ram_kib = 1048576\ntotal_kib = 1024000\nfree_kib = 716800\n"
				  "available_kib = 819200\nreserve_kib = 51200\n"
				  "room_kib = 768000\n");
	footprint_format(&memory, 1024 * MIB, 0, 900 * MIB, text, sizeof(text));
	assert_non_null(strstr(text, "\nroom_kib = 0\n"));
	/* A module that is offline, and will not be when something is to be restored. */
	footprint_format(&memory, 1280 * MIB, 256 * MIB, 50 * MIB, text, sizeof(text));
	assert_string_equal(text, "ram_kib = 1310720\ntotal_kib = 1286144\nfree_kib = 716800\n"
				  "available_kib = 1081344\nreserve_kib = 51200\n"
				  "room_kib = 1030144\n");
}

static void reserve(void **state)
{
	(void)state;
	assert_int_equal(frames_reserve(100 * MIB, MIB), 16 * MIB);
	assert_int_equal(frames_reserve(100 * MIB, 30 * MIB), 30 * MIB);
	assert_int_equal(frames_reserve(10000 * MIB, 30 * MIB), 100 * MIB);
	/* Two copies of the payload's lists. */
	assert_int_equal(stage_reserve(0, 100 * MIB) - stage_reserve(0, 50 * MIB), 100 * MIB);
}

static int keep(void *context, const char *key, const char *value, struct error *err)
{
	uint64_t *figures = context;
	static const char *const keys[] = { "ram_kib",	     "total_kib",   "free_kib",
					    "available_kib", "reserve_kib", "room_kib" };

	(void)err;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(key, keys[i]))
			figures[i] = strtoull(value, NULL, 10);
	return 0;
}

/* This machine's, in a directory that is not there yet. */
static void note(void **state)
{
	char directory[] = "/tmp/test_footprint.XXXXXX", path[128], inner[64];
	uint64_t figures[6] = { 0 };
	struct error err = { 0 };
	int rc;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(inner, sizeof(inner), "%s/run", directory);
	snprintf(path, sizeof(path), "%s/footprint", inner);
	rc = footprint_note(path, &err);
	if (access("/sys/firmware/memmap", R_OK)) {
		assert_int_not_equal(rc, 0);
		assert_non_null(strstr(err.text, "/sys/firmware/memmap"));
	} else {
		assert_int_equal(rc, 0);
		assert_int_equal(footprint_note(path, &err), 0); /* once more */
		assert_int_equal(file_read_pairs(path, keep, figures, &err), 0);
		assert_true(figures[0] && figures[1] && figures[2] && figures[3] && figures[4]);
		assert_true(figures[3] < figures[4] || figures[5] == figures[3] - figures[4]);
	}
	unlink(path);
	rmdir(inner);
	assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format),
		cmocka_unit_test(reserve),
		cmocka_unit_test(note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
