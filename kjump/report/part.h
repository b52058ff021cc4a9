/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What those who write a part of a report have: where it goes, and the ways to put something there.
 */
#ifndef KJUMP_REPORT_PART_H
#define KJUMP_REPORT_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "kjump/check/preflight.h"
#include "kjump/config.h"
#include "kjump/report/redact.h"

#define REPORT_PATH_SIZE 512

struct report {
	FILE *out;
	const char
		*root; /* "" = the running system; a directory with its own /proc, ... in tests */
	const struct config *config;
	const struct preflight_check *checks; /* ends with a NULL name */
	struct redact redact;
	bool full; /* there is no memory: what follows is missing */
};

/* ROOT/PATH. Returns TEXT. */
char *report_path(const struct report *report, const char *path, char text[REPORT_PATH_SIZE]);

/* One line, or more, without names and with nothing that drives a terminal. */
void report_line(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "NAME: " and the first line of the file PATH; nothing when there is no such file. */
void report_value(struct report *report, const char *name, const char *path);

/* The last MAX lines of the file PATH. */
void report_file(struct report *report, const char *path, size_t max);

/* Call ACTION with the path of each file that PATTERN (as of glob(3)) finds. */
typedef void (*report_action)(struct report *report, const char *path);
void report_each(struct report *report, const char *pattern, report_action action);

#endif
