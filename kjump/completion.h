/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a shell has to know to complete command lines, from the tables that make the help.
 */
#ifndef KJUMP_COMPLETION_H
#define KJUMP_COMPLETION_H

#include <stddef.h>
#include <stdio.h>

#include "kjump/options.h"

/*
 * Print the completion of COMMANDS for SHELL: "bash", "zsh" or "fish". Returns EXIT_DONE, or
 * EXIT_USAGE after a message when it is another one.
 */
int completion_print(const struct command *const *commands, size_t count, const char *shell,
		     FILE *out);

#endif
