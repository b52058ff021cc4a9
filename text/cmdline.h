/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel command lines: reading A's, making B's.
 */
#ifndef KJUMP_TEXT_CMDLINE_H
#define KJUMP_TEXT_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* With the NUL. The head of the home has 2048 bytes, of which jump_load() adds its own words. */
#define CMDLINE_SIZE 1984

/* Room for any command line of a kernel that runs. */
#define CMDLINE_READ_SIZE 8192

/*
 * Copy the next word at *CURSOR to WORD and move *CURSOR behind it. Words end at blanks outside of
 * double quotes, which are kept. False at the end, and at "--", behind which all is for init.
 * A word that does not fit into SIZE is skipped.
 */
bool cmdline_next(const char **cursor, char *word, size_t size);

/*
 * Value of the last "NAME=value" as the kernel reads it: - and _ are the same in names, quotes are
 * dropped. False when there is none, or when it does not fit into SIZE bytes.
 */
bool cmdline_value(const char *cmdline, const char *name, char *value, size_t size);

/* The same for a parameter that may also stand without a value, which is "" then. */
bool cmdline_parameter(const char *cmdline, const char *name, char *value, size_t size);

/* Does VALUE switch off, as in parse_boolean() of systemd: 0, no, n, false, f, off? */
bool cmdline_is_no(const char *value);

/*
 * Copy the next "MODULE.option=value" at *CURSOR to OPTION, without the module's name, and move
 * *CURSOR behind it: as init_module() takes it, quotes and all. False at the end.
 */
bool cmdline_option(const char **cursor, const char *module, char *option, size_t size);

/*
 * Kernel B's command line from A's: A's consoles in A's order, what B needs, what A was told about
 * its hardware, then EXTRA. E2BIG when it exceeds SIZE.
 */
int cmdline_for_b(const char *a, unsigned cpus, const char *extra, char *ret, size_t size,
		  struct error *err);

#endif
