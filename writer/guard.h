/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hardware watchdogs that reset the machine when the save hangs, on machines whose users want
 * that: those that ran in kernel A, with this kernel's drivers. Fed only when the save gets on.
 */
#ifndef WRITER_GUARD_H
#define WRITER_GUARD_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"

/* Writing back what a slow disk has in its cache takes a while, and is not seen from here. */
#define GUARD_TIMEOUT_MIN 30 /* seconds */

struct guard {
	int fds[REQUEST_WATCHDOG_MAX];
	const struct request_watchdog *of[REQUEST_WATCHDOG_MAX]; /* not owned */
	size_t count;
	pthread_mutex_t lock;
	uint64_t fed; /* nanoseconds of CLOCK_MONOTONIC */
};

/*
 * Start the watchdogs among PATTERN0, PATTERN1, ... ("/dev/watchdog") that REQUEST names by their
 * identity; guard_end() in any case.
 */
void guard_begin(struct guard *guard, const struct request *request, const char *pattern);

/* The save has got on. Thread-safe, and cheap. */
void guard_feed(struct guard *guard);

/* Stop them; those that A could not stop run on with A's timeout. */
void guard_end(struct guard *guard);

#endif
