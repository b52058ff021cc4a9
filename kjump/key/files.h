/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair of keys on this machine: made, opened, removed.
 */
#ifndef KJUMP_KEY_FILES_H
#define KJUMP_KEY_FILES_H

#include <stdbool.h>

#include "common/error.h"
#include "kjump/key/container.h"
#include "kjump/key/cryptsetup.h"
#include "kjump/key/passphrase.h"
#include "seal/keys.h"

/*
 * Is the sender's key in the file SENDER of the same pair as CONTAINER, which is at PATH?
 * EKEYREJECTED when it is not: what is sealed with it nobody would open at boot.
 */
int key_belongs(const char *sender, const char *path, const struct container *container,
		struct error *err);

/*
 * Keep others from making or removing keys in FOLDER until the descriptor, which is returned, is
 * closed. EBUSY when somebody does.
 */
int key_lock(const char *folder, struct error *err);

/*
 * Make a pair: the sender's key at SENDER, and at CONTAINER a LUKS2 container of its own, with the
 * restore key in it, which PASSPHRASE opens. Both are on the disk when this returns, or neither is
 * there. EEXIST when one of them is there before. The restore key is never on a disk but through
 * dm-crypt, and past the page cache.
 */
int key_create(const struct cryptsetup *cryptsetup, const char *container, const char *sender,
	       const struct passphrase *passphrase, struct error *err);

/*
 * Open the container with what unlocks it, which cryptsetup may ask for on our standard input, take
 * the restore key out, and close it again. keys_hide() comes before this, keys_wipe() behind.
 * EACCES when nothing fitted.
 */
int key_open(const struct cryptsetup *cryptsetup, const char *container, struct restore_key *ret,
	     struct error *err);

/*
 * Remove both: the sender's key is written over first, as far as its file system keeps its place.
 * *REMOVED says whether there was anything.
 */
int key_remove(const char *container, const char *sender, bool *removed, struct error *err);

#endif
