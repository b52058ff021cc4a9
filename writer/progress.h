/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far the saving is: one line for each tenth of the plan.
 */
#ifndef WRITER_PROGRESS_H
#define WRITER_PROGRESS_H

#include <pthread.h>
#include <stdint.h>

struct progress {
	pthread_mutex_t lock;
	const char *name; /* of the target; not owned */
	uint64_t total;	  /* pages of the plan */
	uint64_t done;	  /* pages looked at */
	uint64_t data;	  /* of these, pages that were not zero */
	unsigned tenths;  /* shown so far */
	uint64_t start;	  /* nanoseconds of CLOCK_MONOTONIC */
};

void progress_init(struct progress *progress, const char *name, uint64_t total);
void progress_free(struct progress *progress);

/*
 * DONE more pages were looked at, DATA of them were not zero, and WRITTEN bytes have reached the
 * target in all. Thread-safe.
 */
void progress_add(struct progress *progress, uint64_t done, uint64_t data, uint64_t written);

#endif
