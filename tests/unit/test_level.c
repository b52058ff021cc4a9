/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Level "auto" against made-up machines: never much slower than the best fixed level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/abi.h"
#include "writer/level.h"

#define CHUNK  1048576.0
#define CHUNKS 1500
#define QUEUE  8 /* chunks between compressing and writing */

/* What levels cost and yield here; not what the control believes. */
static const struct {
	int level;
	double nanoseconds; /* for each byte */
	double size;
} truth[] = {
	{ 0, 0.20, 0 },	    { -20, 0.90, 0.53 }, { -10, 1.05, 0.45 }, { -7, 1.20, 0.40 },
	{ -5, 1.30, 0.38 }, { -3, 1.35, 0.34 },	 { -1, 1.50, 0.30 },  { 1, 1.70, 0.28 },
	{ 2, 2.20, 0.265 }, { 3, 3.10, 0.25 },	 { 4, 3.30, 0.247 },  { 5, 4.70, 0.238 },
	{ 6, 6.50, 0.235 },
};

#define LEVELS (sizeof(truth) / sizeof(truth[0]))

static size_t find(int level)
{
	for (size_t i = 0; i < LEVELS; i++)
		if (truth[i].level == level)
			return i;
	fail_msg("level %d is not on the ladder", level);
	return 0;
}

/* Some contents are easy, some are hard, and they come in stretches. */
static double hardness(unsigned chunk)
{
	return 0.4 + (chunk / 40 * 2654435761U >> 8) % 1000 / 1000.0 * 1.2;
}

/* A chunk that would not shrink is stored. */
static double size_of(unsigned chunk, size_t t)
{
	double size = truth[t].size * hardness(chunk);

	return CHUNK * (truth[t].level == LEVEL_STORED || size > 1 ? 1 : size);
}

/* How long a save takes, and the share of all bytes that the image has. */
struct save_figures {
	double seconds, share;
};

/*
 * CHUNKS chunks, WORKERS that compress, a device of RATE bytes a second; LEVEL or LEVEL_AUTO;
 * ROOM for a share of all bytes.
 */
static struct save_figures run(double rate, unsigned workers, int level, double room)
{
	double written_at[CHUNKS], compressed = 0, device = 0, busy = 0, out = 0, written = 0;
	double all_waited = 0;
	struct level_control control;
	unsigned done = 0;

	level_init(&control, workers, (uint64_t)(CHUNKS * CHUNK),
		   (uint64_t)(room * CHUNKS * CHUNK));
	for (unsigned i = 0; i < CHUNKS; i++) {
		size_t t = find(level == LEVEL_AUTO ? level_now(&control) : level);
		double cpu = CHUNK * truth[t].nanoseconds * (0.7 + 0.3 * hardness(i)) / 1e9;
		double size = size_of(i, t);
		double start, waited = 0;

		/* The queue is full: compressing waits for the device. */
		if (i >= QUEUE && written_at[i - QUEUE] > compressed) {
			waited = (written_at[i - QUEUE] - compressed) * workers;
			all_waited += waited;
			compressed = written_at[i - QUEUE];
		}
		compressed += cpu / workers;
		start = compressed > device ? compressed : device;
		device = start + size / rate;
		written_at[i] = device;
		out += size;
		while (done < i && written_at[done] <= compressed)
			written = (++done) * out / (i + 1);
		busy = written / rate;
		level_account(&control, (uint64_t)CHUNK, (uint64_t)((cpu + waited) * 1e9),
			      &(struct level_sums){
				      .out = (uint64_t)out,
				      .waited = (uint64_t)(all_waited * 1e9),
				      .written = (uint64_t)written,
				      .busy = (uint64_t)(busy * 1e9),
			      });
	}
	level_free(&control);
	return (struct save_figures){ .seconds = device, .share = out / (CHUNKS * CHUNK) };
}

static void test_near_the_best(void **state)
{
	static const double rates[] = { 20e6, 50e6, 100e6, 200e6, 400e6, 1000e6, 3000e6, 10000e6 };
	static const unsigned workers[] = { 1, 2, 4, 16 };

	(void)state;
	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		for (size_t w = 0; w < sizeof(workers) / sizeof(workers[0]); w++) {
			double best = 1e9,
			       automatic = run(rates[r], workers[w], LEVEL_AUTO, 2).seconds;

			for (size_t i = 0; i < LEVELS; i++) {
				double time = run(rates[r], workers[w], truth[i].level, 2).seconds;

				best = time < best ? time : best;
			}
			if (automatic > 1.1 * best)
				fail_msg("%.0f MB/s, %u workers: %.2f s, the best is %.2f s",
					 rates[r] / 1e6, workers[w], automatic, best);
		}
	}
}

/* The default until there was this one; a few chunks are compressed before anything is known. */
static void test_no_slower_than_level_1(void **state)
{
	(void)state;
	for (double rate = 5e6; rate < 20000e6; rate *= 1.3) {
		for (unsigned workers = 1; workers <= 16; workers++) {
			double fixed = run(rate, workers, 1, 2).seconds;
			double automatic = run(rate, workers, LEVEL_AUTO, 2).seconds;

			if (automatic > 1.02 * fixed)
				fail_msg("%.0f MB/s, %u workers: %.2f s, with level 1 %.2f s",
					 rate / 1e6, workers, automatic, fixed);
		}
	}
}

/* However fast the device is: what level 1 has room for is saved. */
static void test_never_outgrows_the_device(void **state)
{
	(void)state;
	for (double room = 0.32; room < 1.2; room += 0.04) {
		struct save_figures result = run(10000e6, 2, LEVEL_AUTO, room);

		if (result.share > room)
			fail_msg("room for %.2f, but %.2f are written", room, result.share);
	}
	/* With room for all pages they are stored, nearly all of them. */
	assert_true(run(10000e6, 2, LEVEL_AUTO, 2).share > 0.9);
}

static void test_starts_at_the_default(void **state)
{
	struct level_control control;

	(void)state;
	level_init(&control, 2, 1 << 20, 1 << 20);
	assert_int_equal(level_now(&control), LEVEL_DEFAULT);
	level_free(&control);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near_the_best),
		cmocka_unit_test(test_no_slower_than_level_1),
		cmocka_unit_test(test_never_outgrows_the_device),
		cmocka_unit_test(test_starts_at_the_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
