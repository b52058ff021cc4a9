/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists that never grow beyond their limit, and what they keep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/long-runs.h"

static void add(struct long_runs *runs, uint64_t pfn, uint64_t count)
{
	assert_int_equal(long_runs_add(runs, pfn, count), 0);
	assert_true(!runs->limit || runs->list.n <= runs->limit);
}

static void test_without_a_limit(void **state)
{
	struct long_runs runs = { .limit = 0 };

	(void)state;
	for (uint64_t pfn = 0; pfn < 20000; pfn += 2)
		add(&runs, pfn, 1);
	add(&runs, 19999, 5);
	long_runs_end(&runs);
	assert_int_equal(runs.list.n, 10000);
	assert_int_equal(runs.list.v[9999].count, 6);
	runs_free(&runs.list);
}

/* Every frame is judged by the whole run that it becomes part of. */
static void test_long_ones_stay(void **state)
{
	struct long_runs runs = { .limit = 100 };
	uint64_t pfn = 0, large = 0;

	(void)state;
	for (int i = 0; i < 50; i++) {
		for (int k = 0; k < 1000; k++, pfn += 3)
			add(&runs, pfn, 1 + k % 2);
		for (int k = 0; k < 64; k++)
			add(&runs, pfn++, 1);
		large += 64;
		pfn += 7;
	}
	long_runs_end(&runs);
	assert_true(runs_valid(&runs.list));
	for (size_t i = 0; i < runs.list.n; i++)
		large -= runs.list.v[i].count == 64 ? 64 : 0;
	assert_int_equal(large, 0);
	runs_free(&runs.list);
}

/* 64 GiB, every second page: what came first stays. */
static void test_worst_case(void **state)
{
	struct long_runs runs = { .limit = 65536 };

	(void)state;
	for (uint64_t pfn = 0; pfn < UINT64_C(1) << 24; pfn += 2)
		if (long_runs_add(&runs, pfn, 1))
			fail();
	long_runs_end(&runs);
	assert_true(runs_valid(&runs.list));
	assert_in_range(runs.list.n, 65536 / 2, 65536);
	assert_true(runs.list.capacity <= 65536);
	runs_free(&runs.list);
}

static void test_lengths_of_all_kinds(void **state)
{
	struct long_runs runs = { .limit = 1000 };
	uint64_t seed = 1, pfn = 0, shortest = UINT64_MAX, dropped = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t count;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		count = UINT64_C(1) << (seed >> 60);
		add(&runs, pfn, count);
		dropped += count > runs.shortest;
		pfn += count + 1;
	}
	long_runs_end(&runs);
	assert_in_range(runs.list.n, 500, 1000);
	for (size_t i = 0; i < runs.list.n; i++)
		if (runs.list.v[i].count < shortest)
			shortest = runs.list.v[i].count;
	/* One in sixteen is of the longest kind, of which there are more than room is for. */
	assert_true(dropped > 1000);
	assert_true(shortest >= 16384);
	runs_free(&runs.list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_limit),
		cmocka_unit_test(test_long_ones_stay),
		cmocka_unit_test(test_worst_case),
		cmocka_unit_test(test_lengths_of_all_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
