/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking at boot what to do when an image could not be restored. */
#ifndef RESTORE_ASK_H
#define RESTORE_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum answer {
	ANSWER_NOBODY = 0, /* of ask_terminals() alone */
	ANSWER_GO_ON = 'c',
	ANSWER_POWER_OFF = 'p',
	ANSWER_RETRY = 'r',
};

/*
 * Ask on the open terminals, and count the SECONDS down; no answer within them is ANSWER_GO_ON.
 * Without RETRY, ANSWER_RETRY is none. With WAIT_FOREVER somebody has to answer:
 * ANSWER_NOBODY when there is no terminal, or none any more.
 */
enum answer ask_terminals(const int *terminals, size_t count, uint32_t seconds, bool retry);

/*
 * Ask on all of this kernel's consoles, because nobody knows which one somebody looks at. When none
 * of them can be opened the answer is ANSWER_GO_ON at once, but with WAIT_FOREVER one is waited
 * for. ROOT is "", or a directory with its own /sys and /dev in tests.
 */
enum answer ask_consoles(const char *root, uint32_t seconds, bool retry);

#endif
