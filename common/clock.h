/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time in nanoseconds, for measuring and for deadlines.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND UINT64_C(1000000000)

/* The time of clock ID, which exists: CLOCK_MONOTONIC and the like. */
static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * CLOCK_SECOND + (uint64_t)now.tv_nsec;
}

/* CLOCK_MONOTONIC, which most measure with. */
static inline uint64_t clock_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* Sleep 100 ms; false, at once, when DEADLINE (clock_now()) is over. */
static inline bool clock_wait(uint64_t deadline)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	if (clock_now() >= deadline)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

#endif
