/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for devices. */
#include "restore/waiting.h"

#include <inttypes.h>

#include "common/clock.h"

/* Most devices are there within the first one. */
#define FIRST (1 * CLOCK_SECOND)
#define EVERY (5 * CLOCK_SECOND)

struct waiting waiting_from(uint64_t started, uint32_t seconds)
{
	return (struct waiting){ .deadline = seconds == WAIT_FOREVER
						     ? WAITING_FOREVER
						     : started + seconds * CLOCK_SECOND };
}

bool waiting_goes_on(struct waiting *waiting, const struct error *missing)
{
	uint64_t now = clock_now();

	if (!waiting->tell)
		waiting->tell = now + FIRST;
	if (now >= waiting->tell && now < waiting->deadline) {
		waiting->tell = now + EVERY;
		if (waiting->deadline == WAITING_FOREVER)
			message("%s; waiting for it", missing->text);
		else
			message("%s; waiting for it, %" PRIu64 " s left", missing->text,
				(waiting->deadline - now + CLOCK_SECOND - 1) / CLOCK_SECOND);
	}
	return clock_wait(waiting->deadline);
}
