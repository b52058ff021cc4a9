/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The passphrase that was typed last, where systemd-cryptsetup(8) and Debian's decrypt_keyctl put
 * theirs: a key of type "user" called "cryptsetup" in the keyring of root. One that opens the
 * container and the root is asked for once, whichever of them comes first.
 *
 * Sources: src/shared/ask-password-api.c of systemd (add_to_keyring(), retrieve_key(): strings with
 * a NUL between them, of which the last one need not have any), keyctl(2).
 */
#ifndef RESTORE_KEYRING_H
#define RESTORE_KEYRING_H

#include <stddef.h>
#include <sys/types.h>

/* The first passphrase that is there, cut to SIZE bytes; 0 when there is none. */
size_t keyring_get(char *bytes, size_t size);

/* Keep it for two minutes and a half, as systemd does, in the place of any other. */
void keyring_put(const char *bytes, size_t size);

/* The kernel forgets it, and writes over it. */
void keyring_forget(void);

#endif
