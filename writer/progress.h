/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far the saving is: a bar on the machine's consoles or on standard error, whichever are
 * terminals; where there are none (a file, the kernel log) one line for each tenth of the plan.
 */
#ifndef WRITER_PROGRESS_H
#define WRITER_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/terminals.h"

enum progress_style {
	PROGRESS_NONE,
	PROGRESS_LINES,
	PROGRESS_BAR,
};

struct progress {
	pthread_mutex_t lock;
	enum progress_style style;
	struct terminals terminals; /* where the bar is; not owned */
	const char *name;	    /* of the target; not owned */
	uint64_t total;		    /* pages of the plan */
	uint64_t done;		    /* pages looked at */
	uint64_t data;		    /* of these, pages that were compressed, */
	uint64_t reused;	    /* and pages that the image before has as they are */
	unsigned tenths;	    /* shown so far */
	uint64_t start;		    /* nanoseconds of CLOCK_MONOTONIC, as all times */
	uint64_t shown;		    /* when the bar was drawn last */
};

/* Nothing is shown when QUIET. TERMINALS stay open meanwhile; NULL: standard error. */
void progress_init(struct progress *progress, const char *name, uint64_t total, bool quiet,
		   const struct terminals *terminals);

/* Removes the bar. */
void progress_free(struct progress *progress);

/* PAGES more that need not be written, because the image before has them. Thread-safe. */
void progress_reuse(struct progress *progress, uint64_t pages);

/*
 * DONE more pages were looked at, DATA of them were not zero, and WRITTEN bytes have reached the
 * target in all. Thread-safe.
 */
void progress_add(struct progress *progress, uint64_t done, uint64_t data, uint64_t written);

/* The bar as one line of COLUMNS characters at most, as it is SECONDS after the start. */
void progress_bar(const struct progress *progress, uint64_t written, double seconds,
		  unsigned columns, char *text, size_t size);

#endif
