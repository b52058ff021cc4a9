/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast the time-stamp counter runs: measured, because no file tells it.
 */
#ifndef KJUMP_SAVE_TICKS_H
#define KJUMP_SAVE_TICKS_H

#include <stdint.h>

struct ticks {
	uint64_t tsc;
	uint64_t ns; /* CLOCK_MONOTONIC_RAW */
};

struct ticks ticks_now(void);

/* Rate since START in kHz; waits until at least 20 ms have passed. */
uint64_t ticks_khz(struct ticks start);

#endif
