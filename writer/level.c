/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Level "auto". */
#include "writer/level.h"

#include <stdbool.h>

#include "common/abi.h"

#define ROUND_BYTES (UINT64_C(8) << 20) /* compressed between two decisions */
#define SMOOTHING   0.3			/* weight of the latest round */

/*
 * zstd's levels compared with level 1, everything that a worker does with a page included, for
 * chunks of 1 MiB out of page caches. Whatever comes behind LEVEL_AUTO_MAX saves another twentieth
 * at the most, and takes memory that kernel B has only when it was loaded for that level.
 */
struct step {
	int level;
	double cost; /* time */
	double size; /* bytes that come out */
};

static const struct step ladder[] = {
	{ -20, 0.61, 1.89 }, { -10, 0.67, 1.67 }, { -7, 0.73, 1.53 },
	{ -5, 0.77, 1.42 },  { -3, 0.80, 1.29 },  { -1, 0.91, 1.13 },
	{ 1, 1.00, 1.00 },   { 2, 1.16, 0.94 },	  { 3, 1.58, 0.91 },
	{ 4, 1.82, 0.90 },   { 5, 2.65, 0.88 },	  { LEVEL_AUTO_MAX, 3.62, 0.86 },
};

#define STEPS (sizeof(ladder) / sizeof(ladder[0]))

void level_init(struct level_control *control, unsigned workers)
{
	*control = (struct level_control){ .workers = workers };
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
	double working =
		(double)(now->time - before->time) - (double)(now->waited - before->waited);

	/* Time that went by, not CPU time: the CPUs may have other things to do. */
	if (working > 0)
		smooth(&control->cost, working / in / step->cost);
	smooth(&control->yield, (double)(now->out - before->out) / in / step->size);
	if (now->written > before->written)
		smooth(&control->device, (double)(now->busy - before->busy) /
						 (double)(now->written - before->written));
	control->before = *now;
}

/* Compressing and writing go on at the same time: the slower of the two counts. */
static double nanoseconds(const struct level_control *control, const struct step *step)
{
	double compressing = control->cost * step->cost / control->workers;
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

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void level_account(struct level_control *control, uint64_t size, uint64_t time,
		   const struct level_sums *sums)
{
	struct level_sums *now = &control->sums;

	pthread_mutex_lock(&control->lock);
	now->in += size;
	now->time += time;
	/* Workers may come in another order than they took their figures in. */
	now->out = later(now->out, sums->out);
	now->waited = later(now->waited, sums->waited);
	now->written = later(now->written, sums->written);
	now->busy = later(now->busy, sums->busy);
	if (now->in - control->before.in >= ROUND_BYTES && now->out > control->before.out) {
		learn(control);
		choose(control);
	}
	pthread_mutex_unlock(&control->lock);
}
