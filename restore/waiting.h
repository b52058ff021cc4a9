/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for devices, which whoever looks at the screen is told about. */
#ifndef RESTORE_WAITING_H
#define RESTORE_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* As seconds to wait, and as a deadline. */
#define WAIT_FOREVER	UINT32_MAX
#define WAITING_FOREVER UINT64_MAX

struct waiting {
	uint64_t deadline; /* clock_now(), or WAITING_FOREVER */
	uint64_t tell;	   /* when to say next that it goes on; 0 = it has not begun */
};

/* Until SECONDS, or WAIT_FOREVER, after STARTED. */
struct waiting waiting_from(uint64_t started, uint32_t seconds);

/*
 * Sleep 100 ms; false, at once, when the time is over. Now and then the message MISSING, with the
 * seconds that are left.
 */
bool waiting_goes_on(struct waiting *waiting, const struct error *missing);

#endif
