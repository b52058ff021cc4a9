/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Level "auto". */
#include "writer/level.h"

#include <stdbool.h>

#include "common/abi.h"

#define ROUND_BYTES (UINT64_C(8) << 20) /* compressed between two decisions */
#define SMOOTHING   0.3			/* weight of the latest round */

/*
 * zstd's levels compared with level 1, everything that a worker does with a page included, for
 * chunks of 1 MiB out of page caches. Level 6 is the end: whatever comes behind it saves another
 * twentieth at the most, and takes memory that kernel B does not have for each of its workers.
 */
struct step {
	int level;
	double cost; /* CPU time */
	double size; /* bytes that come out */
};

static const struct step ladder[] = {
	{ -20, 0.63, 1.84 }, { -10, 0.70, 1.59 }, { -7, 0.78, 1.46 }, { -5, 0.82, 1.36 },
	{ -3, 0.85, 1.23 },  { -1, 0.92, 1.08 },  { 1, 1.00, 1.00 },  { 2, 1.23, 0.95 },
	{ 3, 1.71, 0.92 },   { 4, 1.90, 0.89 },	  { 5, 2.76, 0.86 },  { 6, 3.77, 0.84 },
};

#define STEPS (sizeof(ladder) / sizeof(ladder[0]))

void level_init(struct level_control *control, unsigned workers, unsigned cpus)
{
	*control = (struct level_control){ .parallel = workers < cpus ? workers : cpus };
	while (ladder[control->step].level != LEVEL_DEFAULT)
		control->step++;
	pthread_mutex_init(&control->lock, NULL);
}

void level_free(struct level_control *control)
{
	pthread_mutex_destroy(&control->lock);
}

int level_now(struct level_control *control)
{
	int level;

	pthread_mutex_lock(&control->lock);
	level = ladder[control->step].level;
	pthread_mutex_unlock(&control->lock);
	return level;
}

static void smooth(double *average, double latest)
{
	*average = *average > 0 ? *average + SMOOTHING * (latest - *average) : latest;
}

/* What the round that ends now says of machine and content. */
static void learn(struct level_control *control)
{
	const struct level_sums *now = &control->sums, *before = &control->before;
	const struct step *step = &ladder[control->step];
	double in = (double)(now->in - before->in);

	smooth(&control->cost, (double)(now->cpu - before->cpu) / in / step->cost);
	smooth(&control->yield, (double)(now->out - before->out) / in / step->size);
	if (now->written > before->written)
		smooth(&control->device, (double)(now->busy - before->busy) /
						 (double)(now->written - before->written));
	control->before = *now;
}

/* Compressing and writing go on at the same time: the slower of the two counts. */
static double nanoseconds(const struct level_control *control, const struct step *step)
{
	double compressing = control->cost * step->cost / control->parallel;
	double writing = control->yield * step->size * control->device;

	return compressing > writing ? compressing : writing;
}

static void choose(struct level_control *control)
{
	double best = nanoseconds(control, &ladder[0]);

	control->step = 0;
	for (size_t i = 1; i < STEPS; i++) {
		double time = nanoseconds(control, &ladder[i]);

		if (time <= best) {
			best = time;
			control->step = i;
		}
	}
}

void level_account(struct level_control *control, uint64_t in, uint64_t cpu, uint64_t out,
		   uint64_t written, uint64_t busy)
{
	struct level_sums *sums = &control->sums;

	pthread_mutex_lock(&control->lock);
	sums->in += in;
	sums->cpu += cpu;
	sums->out = out > sums->out ? out : sums->out;
	sums->written = written > sums->written ? written : sums->written;
	sums->busy = busy > sums->busy ? busy : sums->busy;
	if (sums->in - control->before.in >= ROUND_BYTES && sums->out > control->before.out) {
		learn(control);
		choose(control);
	}
	pthread_mutex_unlock(&control->lock);
}
