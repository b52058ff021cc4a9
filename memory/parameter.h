/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of the running kernel's command line. */
#ifndef MEMORY_PARAMETER_H
#define MEMORY_PARAMETER_H

#include <stddef.h>

#include "common/error.h"

/*
 * The value of NAME=VALUE in the command line at PATH (/proc/cmdline), without quotes; the last one
 * counts. ENOENT when there is none, EINVAL when it does not fit into SIZE bytes with its NUL.
 */
int memory_parameter(const char *path, const char *name, char *ret, size_t size, struct error *err);

#endif
