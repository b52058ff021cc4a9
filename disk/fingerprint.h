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

/*
 * Hash (XXH3, 64 bits) the bytes of one extent into *HASH. Fails with ENODEV when the device is
 * not there and EIO when it cannot be read.
 */
int fingerprint_hash(const struct watch *watch, uint64_t *hash, struct error *err);

#endif
