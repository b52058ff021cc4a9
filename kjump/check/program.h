/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of the system that are asked.
 */
#ifndef KJUMP_CHECK_PROGRAM_H
#define KJUMP_CHECK_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Start ARGV, with its errors thrown away. Returns a descriptor to read its output from, which the
 * caller closes before it waits for *PID; or a negative errno value.
 */
int program_start(char *const argv[], pid_t *pid);

/*
 * Run ARGV with what it says, and its errors, going to OUTPUT, and nothing to read. Returns its
 * exit code, 128 + N when signal N ended it, or a negative errno value. It is in a process group of
 * its own, which no key reaches. When STOPPABLE, and a signal waits that signals_hold() holds back,
 * the group is ended, all of it: ECANCELED.
 */
int program_run(char *const argv[], int output, bool stoppable);

#endif
