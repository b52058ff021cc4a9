/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What two CPUs of this machine are to one: the limit for whatever two of them do together. Pages
 * are copied in units that threads take from one counter, as the restore payload does, a word at a
 * time with some arithmetic, as an emulator does.
 *
 * usage: bench-cores
 * prints: milliseconds of one thread, of two, and the ratio; medians of runs in turn
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNITS	   256
#define UNIT_WORDS (UINT64_C(1) << 17) /* 1 MiB */
#define ROUNDS	   8		       /* of arithmetic for each word */
#define RUNS	   9

struct work {
	const uint64_t *from;
	uint64_t *to;
	atomic_uint next;
};

static uint64_t mix(uint64_t word)
{
	for (int i = 0; i < ROUNDS; i++)
		word = (word ^ word >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return word;
}

static void *take_units(void *context)
{
	struct work *work = context;
	unsigned unit;

	while ((unit = atomic_fetch_add(&work->next, 1)) < UNITS) {
		for (uint64_t i = unit * UNIT_WORDS; i < (unit + 1) * UNIT_WORDS; i++)
			work->to[i] = mix(work->from[i]);
	}
	return NULL;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double run(struct work *work, int threads)
{
	double start = now_ms();
	pthread_t other;

	atomic_store(&work->next, 0);
	if (threads > 1 && pthread_create(&other, NULL, take_units, work))
		exit(1);
	take_units(work);
	if (threads > 1)
		pthread_join(other, NULL);
	return now_ms() - start;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

int main(void)
{
	const size_t size = UNITS * UNIT_WORDS * sizeof(uint64_t);
	uint64_t *from = malloc(size), *to = malloc(size);
	double one[RUNS], two[RUNS];

	if (!from || !to) {
		fprintf(stderr, "bench-cores: out of memory\n");
		return 1;
	}
	memset(from, 0x5a, size);
	memset(to, 0, size);
	for (int i = 0; i < RUNS; i++) {
		struct work work = { .from = from, .to = to };

		one[i] = run(&work, 1);
		two[i] = run(&work, 2);
	}
	qsort(one, RUNS, sizeof(*one), compare);
	qsort(two, RUNS, sizeof(*two), compare);
	printf("%.0f %.0f %.2f\n", one[RUNS / 2], two[RUNS / 2], two[RUNS / 2] / one[RUNS / 2]);
	free(from);
	free(to);
	return 0;
}
