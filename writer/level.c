/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Level "auto". */
#include "writer/level.h"

#include <stdbool.h>

#include "common/abi.h"

#define ROUND_BYTES (UINT64_C(8) << 20) /* compressed between two decisions */
#define SMOOTHING   0.3			/* weight of the latest round */
#define PROBE	    64			/* rounds until compression is tried once more */
#define MARGIN	    16 /* a part of so many of the room is left for what compresses worse */

/*
 * zstd's levels compared with level 1, everything that a worker does with a page included, for
 * chunks of 1 MiB out of page caches. Whatever comes behind LEVEL_AUTO_MAX saves another twentieth
 * at the most, and takes memory that kernel B has only when it was loaded for that level.
 */
struct step {
	int level;
	double cost; /* time */
	double size; /* bytes that come out; of no meaning for LEVEL_STORED */
};

static const struct step ladder[] = {
	{ LEVEL_STORED, 0.15, 0 },
	{ -20, 0.61, 1.89 },
	{ -10, 0.67, 1.67 },
	{ -7, 0.73, 1.53 },
	{ -5, 0.77, 1.42 },
	{ -3, 0.80, 1.29 },
	{ -1, 0.91, 1.13 },
	{ 1, 1.00, 1.00 },
	{ 2, 1.16, 0.94 },
	{ 3, 1.58, 0.91 },
	{ 4, 1.82, 0.90 },
	{ 5, 2.65, 0.88 },
	{ LEVEL_AUTO_MAX, 3.62, 0.86 },
};

#define STEPS (sizeof(ladder) / sizeof(ladder[0]))

void level_init(struct level_control *control, unsigned workers, uint64_t total, uint64_t room)
{
	*control = (struct level_control){ .workers = workers, .total = total, .room = room };
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
	if (step->level == LEVEL_STORED) {
		if (working > 0)
			smooth(&control->stored_cost, working / in);
	} else {
		if (working > 0)
			smooth(&control->cost, working / in / step->cost);
		smooth(&control->yield, (double)(now->out - before->out) / in / step->size);
	}
	if (now->written > before->written)
		smooth(&control->device, (double)(now->busy - before->busy) /
						 (double)(now->written - before->written));
	control->before = *now;
}

/* Bytes out for each byte in. What would not shrink is stored. */
static double bytes_out(const struct level_control *control, const struct step *step)
{
	double out = control->yield * step->size;

	return step->level == LEVEL_STORED || out > 1 ? 1 : out;
}

/* What a worker does with a byte. Without compression, once tried, it is known by itself. */
static double cost(const struct level_control *control, const struct step *step)
{
	return step->level == LEVEL_STORED && control->stored_cost > 0 ? control->stored_cost
								       : control->cost * step->cost;
}

/* Compressing and writing go on at the same time: the slower of the two counts. */
static double nanoseconds(const struct level_control *control, const struct step *step)
{
	double compressing = cost(control, step) / control->workers;
	double writing = bytes_out(control, step) * control->device;

	return compressing > writing ? compressing : writing;
}

/* Is there room for what is left, if it goes on like this? */
static bool fits(const struct level_control *control, const struct step *step)
{
	uint64_t in = control->sums.in;
	double left = in < control->total ? (double)(control->total - in) : 0;
	double room = (double)control->room - (double)(control->room / MARGIN);

	return (double)control->sums.out + left * bytes_out(control, step) <= room;
}

/* The fastest one that fits; if none does, the one that makes the smallest image. */
static size_t best_step(const struct level_control *control)
{
	size_t best = STEPS - 1;

	for (size_t i = STEPS - 1; i-- > 0;)
		if (fits(control, &ladder[i]) &&
		    nanoseconds(control, &ladder[i]) < nanoseconds(control, &ladder[best]))
			best = i;
	return best;
}

static void choose(struct level_control *control)
{
	if (!control->device) /* nothing was written yet */
		return;
	control->step = best_step(control);
	if (ladder[control->step].level != LEVEL_STORED) {
		control->stored_rounds = 0;
	} else if (++control->stored_rounds == PROBE) {
		/* Other pages may compress better: see how the next ones do. */
		control->stored_rounds = 0;
		control->step++;
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
