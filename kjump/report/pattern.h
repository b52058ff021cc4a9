/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What names a machine, a disk or a person by how it looks, or by what stands before it.
 */
#ifndef KJUMP_REPORT_PATTERN_H
#define KJUMP_REPORT_PATTERN_H

#include "kjump/report/redact.h"

/* How many characters of LINE from AT on are such a thing, and of what KIND; 0 for none. */
size_t pattern_length(const char *line, size_t at, enum redact_kind *kind);

#endif
