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
 * List what to watch for every file system that MOUNTINFO (path, normally /proc/self/mountinfo)
 * shows as mounted from a block device: ext4 superblock and first block of the journal, XFS
 * superblock and log, btrfs superblocks, vfat boot sector, FSINFO, FATs and root directory; the
 * first 1 MiB of a file system of any other kind. And for every layer below it (md, LVM, LUKS
 * member) the first 1 MiB and the last 128 KiB. All as bytes of the disk or partition at the
 * bottom, since the layers are not there in B and C: bytes on LVM, LUKS and RAID 1 are followed
 * down, what lies on other mappings is left to the layers' headers, with a message().
 *
 * WATCH has room for MAX entries; *COUNT says how many were filled. More than MAX fails with
 * E2BIG. Each device is named by PARTUUID= when it is a partition that has one, else by UUID_SUB=
 * or UUID=; a device with none of them cannot be watched and is skipped with a message().
 */
int fingerprint_resolve(const char *mountinfo, struct watch *watch, size_t max, size_t *count,
			struct error *err);

/*
 * Hash (XXH3, 64 bits) the bytes of one extent into *HASH. Fails with ENODEV when the device is
 * not there and EIO when it cannot be read.
 */
int fingerprint_hash(const struct watch *watch, uint64_t *hash, struct error *err);

#endif
