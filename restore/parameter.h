/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel parameters for the hooks, which are shell scripts: they and `kjump check` read a command
 * line by the same rules.
 */
#ifndef RESTORE_PARAMETER_H
#define RESTORE_PARAMETER_H

#include "common/error.h"

/*
 * Print the value of kernel parameter NAME; the last one in the last of the FILES counts. Without
 * any file that is /proc/cmdline. Lines that begin with # are no part of a file; one that is not
 * there is passed over. Returns EXIT_DONE, or EXIT_FAILED without a message when NAME is in none.
 */
enum exit_code parameter_print(const char *name, char *const *files, int count);

#endif
