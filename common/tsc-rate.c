/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast the time-stamp counter runs.
 */
#include "common/tsc-rate.h"

#include <time.h>

#include "common/clock.h"
#include "common/tsc.h"

#define INTERVAL_NS 20000000ULL

struct tsc_rate tsc_rate_begin(void)
{
	return (struct tsc_rate){ .tsc = tsc_read(), .ns = clock_ns(CLOCK_MONOTONIC_RAW) };
}

uint64_t tsc_rate_khz(struct tsc_rate start)
{
	struct tsc_rate now = tsc_rate_begin();

	if (now.ns - start.ns < INTERVAL_NS) {
		struct timespec rest = { .tv_nsec = (long)(INTERVAL_NS - (now.ns - start.ns)) };

		clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
		now = tsc_rate_begin();
	}
	return (now.tsc - start.tsc) * 1000000 / (now.ns - start.ns);
}
