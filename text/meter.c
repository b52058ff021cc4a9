/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line that shows how far a command is.
 */
#include "text/meter.h"

#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "text/human.h"

#define INTERVAL 100000000 /* nanoseconds between two lines */

void meter_start(struct meter *meter, const char *name, uint64_t total, bool quiet)
{
	*meter = (struct meter){
		.name = name,
		.total = total,
		.start = clock_now(),
		.visible = !quiet && isatty(STDERR_FILENO),
	};
	pthread_mutex_init(&meter->lock, NULL);
}

static void show(struct meter *meter, uint64_t at)
{
	double seconds = (double)(at - meter->start) / 1e9;
	unsigned percent =
		meter->total ? (unsigned)(100.0 * (double)meter->done / (double)meter->total) : 0;
	char total[HUMAN_SIZE];

	meter->shown = at;
	fprintf(stderr, "\r%s: %u %% of %s, %.0f MB/s\033[K", meter->name, percent,
		human_bytes(meter->total, total), (double)meter->done / 1e6 / seconds);
}

void meter_add(struct meter *meter, uint64_t bytes)
{
	uint64_t at;

	pthread_mutex_lock(&meter->lock);
	meter->done += bytes;
	at = clock_now();
	if (meter->visible && at - meter->shown >= INTERVAL && at > meter->start)
		show(meter, at);
	pthread_mutex_unlock(&meter->lock);
}

double meter_stop(struct meter *meter)
{
	if (meter->visible && meter->shown)
		fputs("\r\033[K", stderr);
	pthread_mutex_destroy(&meter->lock);
	return (double)(clock_now() - meter->start) / 1e9;
}
