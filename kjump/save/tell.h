/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a save went, for the journal and the history (kjump/event.h), and what the caller's terminal
 * is told before the screen stands still.
 */
#ifndef KJUMP_SAVE_TELL_H
#define KJUMP_SAVE_TELL_H

#include <stdbool.h>
#include <stdio.h>

#include "common/abi.h"
#include "kjump/event.h"
#include "kjump/save/report.h"

/* The event that REPORT is of: restored or saved; a dry run is none (false). */
bool tell_make(const struct report *report, struct event *ret);

/* Tell the journal and the history. */
void tell_done(const struct report *report);

/* Nothing came of REQUEST, because of CAUSE; a dry run is no event. */
void tell_failed(const struct request *request, const char *cause);

/*
 * The same before there is a request: OPERATION on TARGET, "" where none is set.
 */
void tell_refused(enum operation operation, const char *target, const char *cause);

/*
 * REQUEST is about to be made: tell the journal, and on standard output, unless QUIET, what happens
 * now and how long that took the last time according to the file HISTORY.
 */
void tell_begin(const struct request *request, bool quiet, const char *history);

/* What the terminal is told by tell_begin(), to OUT. */
void tell_announce(FILE *out, const struct request *request, const char *history);

#endif
