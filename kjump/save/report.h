/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a jump went, in plain words.
 */
#ifndef KJUMP_SAVE_REPORT_H
#define KJUMP_SAVE_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "common/abi.h"

struct report {
	const struct request *request;
	const struct outcome *outcome; /* checked: texts terminated; A's own stamps filled in */
	uint64_t back;		       /* time-stamp counter when A went on */
	bool from_file;		       /* kernel B came out of PATH_KEPT when it was loaded */
};

/* "hibernation" or "checkpoint" */
const char *report_operation(uint32_t operation);

/* Several lines: pages, bytes, ratio, seconds. For all results but failures. */
void report_print(FILE *out, const struct report *report);

/* Keep TEXT for 'kjump status' of everybody. */
void report_keep(const char *text);

/* The last lines of kernel B's log. */
void report_log(FILE *out, const struct outcome *outcome);

#endif
