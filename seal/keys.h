/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two long-lived keys of sealed images, a pair: the restore key, which lies in a LUKS2
 * container and opens images, and the sender's key, which lies on the root of the system that is
 * saved. Each holds its own secret key and the other one's public key, of X25519.
 */
#ifndef SEAL_KEYS_H
#define SEAL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define KEYS_BYTES 32	/* of a secret or a public key */
#define KEYS_FILE  80	/* bytes of either key as it is stored */
#define KEYS_PAGE  4096 /* what is read from a container, at most */

struct restore_key {
	uint8_t secret[KEYS_BYTES];
	uint8_t sender[KEYS_BYTES]; /* public */
};

struct sender_key {
	uint8_t secret[KEYS_BYTES];
	uint8_t restorer[KEYS_BYTES]; /* public */
};

/* A new pair, of random bytes. */
int keys_make(struct restore_key *restore, struct sender_key *sender, struct error *err);

/* Were the two made together? */
bool keys_belong(const struct restore_key *restore, const struct sender_key *sender);

/* The restore key as it lies in its container, from the first byte on; what follows is zero. */
void keys_pack_restore(const struct restore_key *key, uint8_t ret[KEYS_FILE]);

/* ENODATA when BYTES hold no restore key, EUCLEAN when it is damaged, ENOTSUP for a newer one. */
int keys_unpack_restore(const void *bytes, size_t size, struct restore_key *ret, struct error *err);

/*
 * The restore key from FD: a pipe, a file or an opened container. At most KEYS_PAGE bytes are read.
 * FD is closed in any case. Errors as above.
 */
int keys_read_restore(int fd, struct restore_key *ret, struct error *err);

/*
 * The sender's key in a file: new (EEXIST when there is one), mode 0600, on the disk when it
 * returns. Read, it has to be a regular file (EINVAL) that nobody but the caller or root owns or
 * may read (EPERM); ENOENT when there is none. Neither leaves it in the page cache, which would
 * get into images and dumps.
 */
int keys_write_sender(const char *path, const struct sender_key *key, struct error *err);
int keys_read_sender(const char *path, struct sender_key *ret, struct error *err);

/*
 * This process is about to hold keys: no core dump of it, nobody of the same user looks into it
 * (prctl(2), PR_SET_DUMPABLE), and what it has by now is not swapped out, as far as it may say so.
 */
void keys_hide(void);

/* Overwrite, and what the vector registers may have of it; the compiler leaves that alone. */
void keys_wipe(void *bytes, size_t size);

/* Overwrite the stack below the caller's, where hashes and ciphers had a key. */
void keys_wipe_stack(void);

#endif
