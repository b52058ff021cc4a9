/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The passphrase of a new container.
 */
#ifndef KJUMP_KEY_PASSPHRASE_H
#define KJUMP_KEY_PASSPHRASE_H

#include <stddef.h>

#include "common/error.h"
#include "kjump/key/cryptsetup.h"

/* As many bytes as a prompt of cryptsetup's takes. */
#define PASSPHRASE_MAX 512

/* Neither swapped out nor in core dumps, once passphrase_hold() was called. */
struct passphrase {
	size_t size;
	char bytes[CRYPTSETUP_SECRET_MAX];
};

/* Keep it in memory; what cannot be kept there because of a limit is said in a message. */
void passphrase_hold(struct passphrase *passphrase);

/* Overwrite it. */
void passphrase_wipe(struct passphrase *passphrase);

/*
 * Ask for it twice on the terminal FD, which shows nothing of it. EINVAL when it is empty or the
 * second one is another; ENOTTY when FD is no terminal; EINTR when the input ended.
 */
int passphrase_ask(int fd, struct passphrase *ret, struct error *err);

/*
 * All bytes of the file at PATH, a newline at the end as well, as cryptsetup takes a key file; "-"
 * is standard input. EINVAL when there are none, EFBIG when there are too many.
 */
int passphrase_from_file(const char *path, struct passphrase *ret, struct error *err);

#endif
