/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time since boot, and waiting for devices. */
#include "restore/clock.h"

#include <time.h>

uint64_t clock_now(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * CLOCK_SECOND + (uint64_t)now.tv_nsec;
}

bool clock_wait(uint64_t deadline)
{
	struct timespec pause = { .tv_nsec = 100000000 };

	if (clock_now() >= deadline)
		return false;
	nanosleep(&pause, NULL);
	return true;
}
