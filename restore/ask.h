/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking at boot what to do when an image could not be restored. */
#ifndef RESTORE_ASK_H
#define RESTORE_ASK_H

#include <stddef.h>

enum answer {
	ANSWER_GO_ON = 'c',
	ANSWER_POWER_OFF = 'p',
	ANSWER_RETRY = 'r',
};

/* Ask on the open terminals; no answer within the time is ANSWER_GO_ON. */
enum answer ask_terminals(const int *terminals, size_t count, unsigned seconds);

/* Ask on all of this kernel's consoles, because nobody knows which one somebody looks at. */
enum answer ask_consoles(unsigned seconds);

#endif
