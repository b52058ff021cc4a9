/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A passphrase for whoever opens the key's container: asked for, or taken from the keyring.
 */
#ifndef RESTORE_UNLOCK_H
#define RESTORE_UNLOCK_H

#include <stdint.h>

#include "common/error.h"

#define UNLOCK_TRIES 3
/* That of cryptsetup for a passphrase that does not fit. */
#define UNLOCK_WRONG 2

/* Where a passphrase comes from, for tests. */
struct unlock_source {
	const char *consoles, *devices; /* /proc/consoles, /dev */
	uint32_t seconds;		/* to wait for the first key, or WAIT_FOREVER */
};

/*
 * Run COMMAND (words up to a NULL) with a passphrase on its standard input: the one in the keyring
 * first, and then what is typed, three times at most, as long as it ends with UNLOCK_WRONG. The one
 * that fitted is in the keyring then, for what comes later. Returns EXIT_DONE, EXIT_ABORTED when
 * nobody typed one, else EXIT_FAILED, after a message.
 */
enum exit_code unlock_run(const struct unlock_source *source, char *const command[]);

/*
 * Write the passphrase in the keyring to the FIFO at PATH, once somebody reads from it who asks for
 * one; for as long as the keyring keeps it. EXIT_NO_IMAGE when there is none.
 */
enum exit_code unlock_answer(const char *path);

#endif
