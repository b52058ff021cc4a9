/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run lists, compared with plain arrays of one flag a frame. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/runs.h"

#define FRAMES 200

static void test_add_merges_neighbours_only(void **state)
{
	struct runs runs = { .n = 0 };

	(void)state;
	assert_int_equal(runs_add(&runs, 10, 5), 0);
	assert_int_equal(runs_add(&runs, 15, 1), 0);
	assert_int_equal(runs_add(&runs, 17, 1), 0);
	assert_int_equal(runs_add(&runs, 18, 0), 0);
	assert_int_equal(runs_add(&runs, 16, 1), 0); /* behind in order: not merged */
	assert_int_equal(runs.n, 3);
	assert_int_equal(runs.v[0].count, 6);
	assert_int_equal(runs_total(&runs), 8);
	assert_false(runs_valid(&runs));
	runs_sort(&runs);
	assert_int_equal(runs.n, 1);
	assert_int_equal(runs.v[0].pfn, 10);
	assert_int_equal(runs.v[0].count, 8);
	assert_true(runs_valid(&runs));
	runs_free(&runs);
	assert_null(runs.v);
}

static void test_add_refuses_what_no_machine_has(void **state)
{
	struct runs runs = { .n = 0 };
	uint64_t limit = 1ULL << 52;

	(void)state;
	assert_int_equal(runs_add(&runs, limit, 1), -EOVERFLOW);
	assert_int_equal(runs_add(&runs, limit - 1, 2), -EOVERFLOW);
	assert_int_equal(runs_add(&runs, UINT64_MAX, UINT64_MAX), -EOVERFLOW);
	assert_int_equal(runs_add(&runs, 1, UINT64_MAX), -EOVERFLOW);
	assert_int_equal(runs_add(&runs, limit - 2, 1), 0);
	assert_int_equal(runs_add(&runs, limit - 1, 2), -EOVERFLOW); /* merging does not help */
	assert_int_equal(runs_add(&runs, limit - 1, 1), 0);
	assert_int_equal(runs.n, 1);
	runs_free(&runs);
}

static void test_append_keeps_runs_apart(void **state)
{
	struct runs runs = { .n = 0 };

	(void)state;
	assert_int_equal(runs_append(&runs, 1, 2), 0);
	assert_int_equal(runs_append(&runs, 3, 2), 0);
	assert_int_equal(runs_append(&runs, 5, 0), 0);
	assert_int_equal(runs_append(&runs, 1ULL << 52, 1), -EOVERFLOW);
	assert_int_equal(runs.n, 2);
	runs_free(&runs);
}

static void test_valid_finds_every_fault(void **state)
{
	static const struct {
		const char *what;
		struct run v[2];
		bool valid;
	} cases[] = {
		{ "ascending", { { 1, 2 }, { 5, 1 } }, true },
		{ "touching", { { 1, 2 }, { 3, 1 } }, true },
		{ "overlap", { { 1, 2 }, { 2, 1 } }, false },
		{ "descending", { { 5, 1 }, { 1, 1 } }, false },
		{ "empty", { { 1, 0 }, { 2, 1 } }, false },
		{ "too far", { { 1, 1 }, { 1ULL << 52, 1 } }, false },
		{ "overflow", { { 1, 1 }, { 2, UINT64_MAX } }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run v[2] = { cases[i].v[0], cases[i].v[1] };
		struct runs runs = { .v = v, .n = 2 };

		if (runs_valid(&runs) != cases[i].valid)
			fail_msg("%s", cases[i].what);
	}
}

static void test_total_saturates(void **state)
{
	struct run v[] = { { 0, UINT64_MAX }, { 0, 2 } };
	struct runs runs = { .v = v, .n = 2 };

	(void)state;
	assert_true(runs_total(&runs) == UINT64_MAX);
}

static void random_set(bool set[FRAMES], struct runs *runs)
{
	memset(set, 0, FRAMES);
	for (int i = 0; i < 12; i++) {
		unsigned pfn = random() % (FRAMES - 20), count = random() % 20;

		memset(set + pfn, 1, count);
		assert_int_equal(runs_add(runs, pfn, count), 0);
	}
	runs_sort(runs);
}

static void assert_same(const bool set[FRAMES], const struct runs *runs)
{
	uint64_t total = 0;

	assert_true(runs_valid(runs));
	for (unsigned pfn = 0; pfn < FRAMES; pfn++) {
		assert_int_equal(runs_contain(runs, pfn), set[pfn]);
		total += set[pfn];
	}
	assert_int_equal(runs_total(runs), total);
}

static void test_set_algebra(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < 500; round++) {
		struct runs a = { .n = 0 }, b = { .n = 0 }, minus = { .n = 0 }, both = { .n = 0 };
		bool in_a[FRAMES], in_b[FRAMES], in_minus[FRAMES], in_both[FRAMES];

		random_set(in_a, &a);
		random_set(in_b, &b);
		for (int i = 0; i < FRAMES; i++) {
			in_minus[i] = in_a[i] && !in_b[i];
			in_both[i] = in_a[i] && in_b[i];
		}
		assert_int_equal(runs_subtract(&a, &b, &minus), 0);
		assert_int_equal(runs_intersect(&a, &b, &both), 0);
		assert_same(in_a, &a);
		assert_same(in_minus, &minus);
		assert_same(in_both, &both);
		/* And together they are A again. */
		assert_int_equal(runs_add_all(&minus, &both), 0);
		runs_sort(&minus);
		assert_same(in_a, &minus);
		runs_free(&a);
		runs_free(&b);
		runs_free(&minus);
		runs_free(&both);
	}
}

static void test_empty_lists(void **state)
{
	struct runs none = { .n = 0 }, one = { .n = 0 }, ret = { .n = 0 };

	(void)state;
	runs_sort(&none);
	assert_true(runs_valid(&none));
	assert_false(runs_contain(&none, 0));
	assert_int_equal(runs_add(&one, 0, 1), 0);
	assert_int_equal(runs_subtract(&none, &one, &ret), 0);
	assert_int_equal(runs_intersect(&one, &none, &ret), 0);
	assert_int_equal(ret.n, 0);
	assert_int_equal(runs_subtract(&one, &none, &ret), 0);
	assert_int_equal(ret.n, 1);
	runs_free(&one);
	runs_free(&ret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_merges_neighbours_only),
		cmocka_unit_test(test_add_refuses_what_no_machine_has),
		cmocka_unit_test(test_append_keeps_runs_apart),
		cmocka_unit_test(test_valid_finds_every_fault),
		cmocka_unit_test(test_total_saturates),
		cmocka_unit_test(test_set_algebra),
		cmocka_unit_test(test_empty_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
