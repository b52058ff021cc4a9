/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cryptsetup(8), which does all that is LUKS2: kjump knows nothing of its ciphers. Secrets go to it
 * through pipes, never as words of its command line.
 */
#ifndef KJUMP_KEY_CRYPTSETUP_H
#define KJUMP_KEY_CRYPTSETUP_H

#include <stddef.h>

#include "common/error.h"

#define CRYPTSETUP_SECRET_MAX 4096 /* a pipe takes it without anybody who reads */

/* Where it is, and where the mappings appear that it makes: for tests, other ones. */
struct cryptsetup {
	const char *program;
	const char *mapper;
};

extern const struct cryptsetup cryptsetup_running;

/*
 * Run it with ARGUMENTS (up to a NULL, without the program's name) and what the SIZE bytes of
 * SECRET are on its standard input; with a SECRET of NULL it has ours, and may ask. Errors have
 * the last line that it said: EACCES when no key of the container's fits, ENOENT when it is not
 * installed.
 */
int cryptsetup_run(const struct cryptsetup *cryptsetup, const char *const arguments[],
		   const void *secret, size_t size, struct error *err);

#endif
