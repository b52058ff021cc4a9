/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking for a passphrase at boot: on all consoles, because nobody knows at which one somebody
 * sits, or by Plymouth where that has the screen. Nothing of what is typed is shown.
 */
#ifndef RESTORE_PROMPT_H
#define RESTORE_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "text/terminals.h"

/* As many bytes as a prompt of cryptsetup's takes. */
#define PROMPT_MAX 512

struct secret {
	size_t size;
	char bytes[PROMPT_MAX];
};

/*
 * Ask TEXT on the terminals until Enter. ECANCELED when somebody pressed Esc or Ctrl-C, ETIMEDOUT
 * when nobody began to type within SECONDS (or WAIT_FOREVER), ENODEV when no terminal is left.
 */
int prompt_terminals(const struct terminals *terminals, const char *text, uint32_t seconds,
		     struct secret *ret, struct error *err);

/* By Plymouth, whose client prints it; it waits without end. Errors as above, and ENOENT. */
int prompt_splash(const char *text, struct secret *ret, struct error *err);

/* Overwrite it. */
void prompt_wipe(struct secret *secret);

#endif
