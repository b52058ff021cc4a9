/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far the saving is: one line for each tenth of the plan.
 */
#include "writer/progress.h"

#include <time.h>

#include "common/abi.h"
#include "common/error.h"

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void progress_init(struct progress *progress, const char *name, uint64_t total)
{
	*progress = (struct progress){ .name = name, .total = total, .start = now() };
	pthread_mutex_init(&progress->lock, NULL);
}

void progress_free(struct progress *progress)
{
	pthread_mutex_destroy(&progress->lock);
}

static void show(const struct progress *progress, uint64_t written)
{
	double bytes = (double)progress->done * FRAME_SIZE;
	double seconds = (double)(now() - progress->start) / 1e9;
	double ratio = written ? (double)progress->data * FRAME_SIZE / (double)written : 0;

	message("%s: %u %%, %llu of %llu pages, %.0f MB/s, ratio %.1f", progress->name,
		progress->tenths * 10, (unsigned long long)progress->done,
		(unsigned long long)progress->total, seconds > 0 ? bytes / 1e6 / seconds : 0,
		ratio);
}

void progress_add(struct progress *progress, uint64_t done, uint64_t data, uint64_t written)
{
	unsigned tenths;

	pthread_mutex_lock(&progress->lock);
	progress->done += done;
	progress->data += data;
	tenths = progress->total ? (unsigned)(progress->done * 10 / progress->total) : 0;
	if (tenths > progress->tenths) {
		progress->tenths = tenths;
		show(progress, written);
	}
	pthread_mutex_unlock(&progress->lock);
}
