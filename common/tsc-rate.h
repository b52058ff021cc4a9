/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast the time-stamp counter runs: measured, because no file tells it.
 */
#ifndef COMMON_TSC_RATE_H
#define COMMON_TSC_RATE_H

#include <stdint.h>

struct tsc_rate {
	uint64_t tsc;
	uint64_t ns; /* CLOCK_MONOTONIC_RAW */
};

struct tsc_rate tsc_rate_begin(void);

/* Rate since START in kHz; waits until at least 20 ms have passed. */
uint64_t tsc_rate_khz(struct tsc_rate start);

#endif
