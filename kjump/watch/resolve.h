/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which raw bytes on which devices tell that somebody changed A's file systems while it was away.
 */
#ifndef KJUMP_WATCH_RESOLVE_H
#define KJUMP_WATCH_RESOLVE_H

#include <stddef.h>

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
int watch_resolve(const char *mountinfo, struct watch *watch, size_t max, size_t *count,
		  struct error *err);

#endif
