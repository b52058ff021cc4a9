/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a command is, on a terminal: one line on standard error that is written over and wiped
 * at the end. Silent where standard error is no terminal.
 */
#ifndef KJUMP_TEXT_METER_H
#define KJUMP_TEXT_METER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct meter {
	pthread_mutex_t lock;
	const char *name; /* of what is worked on; not owned */
	uint64_t total;	  /* bytes to be done */
	uint64_t done;
	uint64_t start; /* nanoseconds of CLOCK_MONOTONIC */
	uint64_t shown; /* when the line was written last */
	bool visible;
};

void meter_start(struct meter *meter, const char *name, uint64_t total, bool quiet);

/* Thread-safe. */
void meter_add(struct meter *meter, uint64_t bytes);

/* Wipes the line. Returns the seconds since the start. */
double meter_stop(struct meter *meter);

#endif
