/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fingerprints of A's file systems: which raw bytes on which devices tell that somebody changed
 * them while A was away. Kernel A resolves them just before the jump; B hashes them when it saves
 * and C before it restores. Nobody mounts or assembles anything for it.
 */
#ifndef DISK_FINGERPRINT_H
#define DISK_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"
#include "common/error.h"
#include "disk/disk.h"

/* The device that was hashed last stays open: most extents follow one on the same. Zeroed, none is.
 */
struct fingerprint {
	char tag[sizeof(((struct watch *)0)->tag)];
	struct disk disk;
};

/*
 * Hash (XXH3, 64 bits) the bytes of one extent into *HASH. Fails with ENODEV when the device is
 * not there and EIO when it cannot be read. fingerprint_end() closes what is still open.
 */
int fingerprint_hash(struct fingerprint *fingerprint, const struct watch *watch, uint64_t *hash,
		     struct error *err);
void fingerprint_end(struct fingerprint *fingerprint);

#endif
