/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's consoles, as far as they are terminals: where the bar is drawn, and where keys come
 * from.
 */
#ifndef TEXT_TERMINALS_H
#define TEXT_TERMINALS_H

#include <stddef.h>

#define TERMINALS_MAX 16

/* Zero-initialised: none. */
struct terminals {
	int fds[TERMINALS_MAX]; /* open for both ways; nothing blocks */
	size_t count;
};

/*
 * Open the terminals that CONSOLES (/proc/consoles) lists, as DIRECTORY/NAME (/dev). Those that
 * cannot be opened are left out; terminals_close() ends it.
 */
void terminals_open(struct terminals *terminals, const char *consoles, const char *directory);

/* Never waits for a line that takes nothing. */
void terminals_close(struct terminals *terminals);

/* What a terminal does not take at once is dropped. */
void terminals_print(const struct terminals *terminals, const char *text);

#endif
