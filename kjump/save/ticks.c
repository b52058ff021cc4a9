/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast the time-stamp counter runs.
 */
#include "kjump/save/ticks.h"

#include <time.h>

#include "common/tsc.h"
#include "jump/jump.h"

#define INTERVAL_NS 20000000ULL

struct ticks ticks_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (struct ticks){ .tsc = tsc_read(),
			       .ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec };
}

uint64_t ticks_khz(struct ticks start)
{
	struct ticks now = ticks_now();

	if (now.ns - start.ns < INTERVAL_NS) {
		struct timespec rest = { .tv_nsec = (long)(INTERVAL_NS - (now.ns - start.ns)) };

		clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
		now = ticks_now();
	}
	return (now.tsc - start.tsc) * 1000000 / (now.ns - start.ns);
}
