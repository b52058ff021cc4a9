/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The size of the home and the levels of compression. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zstd.h>

#include "image/codec.h"
#include "image/image.h"
#include "kjump/load/home.h"

#define MIB	   (1ULL << 20)
#define LARGE_PAGE (2 * MIB)
#define CHUNK	   (IMAGE_CHUNK_PAGES * FRAME_SIZE)

static const struct jump_kernel kernel = { .init_size = 30 * MIB, .alignment = LARGE_PAGE };
static const struct home_load load = { .kernel = &kernel, .initramfs_size = 3 * MIB, .cpus = 2 };

/* What zstd really takes, for content that makes it use all of its tables. */
static void a_context_is_no_larger_than_its_estimate(void **state)
{
	static const int levels[] = {
		LEVEL_MIN, LEVEL_DEFAULT, 3, LEVEL_AUTO_MAX, 9, 13, LEVEL_MAX
	};
	size_t room = ZSTD_compressBound(CHUNK);
	uint32_t *in = malloc(CHUNK);
	void *out = malloc(room);

	(void)state;
	for (size_t i = 0; i < CHUNK / sizeof(*in); i++)
		in[i] = (uint32_t)i * 2654435761U >> (i % 7);
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		ZSTD_CCtx *context = ZSTD_createCCtx();

		ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, levels[i]);
		assert_false(ZSTD_isError(ZSTD_compress2(context, out, room, in, CHUNK)));
		assert_in_range(ZSTD_sizeof_CCtx(context), codec_context_size(levels[i]) / 2,
				codec_context_size(levels[i]));
		ZSTD_freeCCtx(context);
	}
	free(in);
	free(out);
}

/* Kernel B has tables of its own for each. */
static void iommus_take_room(void **state)
{
	struct home_load with = load;
	char folder[] = "/tmp/test_home.XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(home_iommus(folder), 0);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/dmar%d", folder, i);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	with.iommus = home_iommus(folder);
	assert_int_equal(with.iommus, 2);
	assert_int_equal(home_needed(&with, LEVEL_AUTO), home_needed(&load, LEVEL_AUTO) + 8 * MIB);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/dmar%d", folder, i);
		rmdir(path);
	}
	rmdir(folder);
	assert_int_equal(home_iommus(folder), 0);
}

static void grows_by_what_was_missing(void **state)
{
	char folder[] = "/tmp/test_home.XXXXXX", path[64];
	struct home_load with = load;
	struct error err = { 0 };
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/home-more", folder);
	assert_int_equal(home_more(path), 0);
	assert_int_equal(home_grow(path, &err), 0);
	assert_int_equal(home_grow(path, &err), 0);
	with.more = home_more(path);
	assert_int_equal(with.more, 32 * MIB);
	assert_int_equal(home_needed(&with, LEVEL_AUTO), home_needed(&load, LEVEL_AUTO) + 32 * MIB);
	for (int i = 2; i < 16; i++)
		assert_int_equal(home_grow(path, &err), 0);
	assert_int_equal(home_grow(path, &err), -ERANGE);
	assert_int_equal(home_more(path), 256 * MIB);
	/* Whatever somebody wrote there is a size. */
	for (const char *const *text =
		     (const char *const[]){ "x", "-5", "99999999999", "17", NULL };
	     *text; text++) {
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(*text, file);
		fclose(file);
		assert_in_range(home_more(path), 0, 256 * MIB);
		assert_int_equal(home_more(path) % LARGE_PAGE, 0);
	}
	unlink(path);
	rmdir(folder);
}

static void low_levels_share_a_size(void **state)
{
	uint64_t size = home_needed(&load, LEVEL_DEFAULT);

	(void)state;
	assert_int_equal(size % LARGE_PAGE, 0);
	assert_int_equal(home_needed(&load, LEVEL_MIN), size);
	assert_int_equal(home_needed(&load, LEVEL_AUTO_MAX), size);
	assert_int_equal(home_needed(&load, LEVEL_AUTO), size);
}

static void high_levels_take_more_for_each_cpu(void **state)
{
	const struct home_load large = { &kernel, load.initramfs_size, 16, 0, 0, 0 };
	size_t more = codec_context_size(LEVEL_MAX) - codec_context_size(LEVEL_AUTO_MAX);
	uint64_t two = home_needed(&load, LEVEL_MAX) - home_needed(&load, LEVEL_AUTO);
	uint64_t sixteen = home_needed(&large, LEVEL_MAX) - home_needed(&large, LEVEL_AUTO);

	(void)state;
	assert_true(more > 8 * MIB);
	assert_in_range(two, 2 * more - LARGE_PAGE, 2 * more + LARGE_PAGE);
	assert_in_range(sixteen, 16 * more - LARGE_PAGE, 16 * more + LARGE_PAGE);
}

static void a_home_knows_its_highest_level(void **state)
{
	(void)state;
	for (int level = LEVEL_AUTO_MAX; level <= LEVEL_MAX; level++) {
		uint64_t size = home_needed(&load, level);
		int highest = home_level(&load, size);

		assert_in_range(highest, level, LEVEL_MAX);
		assert_int_equal(home_needed(&load, highest), size);
	}
	assert_in_range(home_level(&load, home_needed(&load, LEVEL_MAX) - LARGE_PAGE),
			LEVEL_AUTO_MAX, LEVEL_MAX - 1);
	assert_int_equal(home_level(&load, 32 * MIB), LEVEL_AUTO_MAX);
	assert_int_equal(home_level(&load, 2048 * MIB), LEVEL_MAX);
}

static void too_high_a_level_is_refused_with_the_one_that_fits(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(home_check(96 * MIB, 8, 8, &err), 0);
	assert_int_equal(home_check(96 * MIB, 8, 9, &err), -ERANGE);
	assert_non_null(strstr(err.text, "home of 96 MiB has room for levels up to 8, not for 9"));
	/* A small home was the user's choice, and may do. */
	assert_int_equal(home_check(32 * MIB, LEVEL_AUTO_MAX, LEVEL_AUTO, &err), 0);
	assert_int_equal(home_check(32 * MIB, 0, LEVEL_AUTO_MAX, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iommus_take_room),
		cmocka_unit_test(grows_by_what_was_missing),
		cmocka_unit_test(a_context_is_no_larger_than_its_estimate),
		cmocka_unit_test(low_levels_share_a_size),
		cmocka_unit_test(high_levels_take_more_for_each_cpu),
		cmocka_unit_test(a_home_knows_its_highest_level),
		cmocka_unit_test(too_high_a_level_is_refused_with_the_one_that_fits),
	};

	return cmocka_run_group_tests_name("home", tests, NULL, NULL);
}
