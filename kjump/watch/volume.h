/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes that images go to: where their bytes lie on devices that kernel B can see, since B
 * assembles and unlocks nothing.
 */
#ifndef KJUMP_WATCH_VOLUME_H
#define KJUMP_WATCH_VOLUME_H

#include <stddef.h>

#include "common/abi.h"
#include "common/error.h"

/*
 * List where the bytes of the block device PATH lie, in order, for disk_open_pieces(). *COUNT is 0
 * when it is a device that B sees as well, or a file. Fails with ENOTSUP, and says why, when B
 * could not write there: on encryption, RAID, anything but plain mappings, on devices that it has
 * not, and in more than MAX pieces.
 */
int volume_pieces(const char *path, struct watch *pieces, size_t max, size_t *count,
		  struct error *err);

/*
 * Take the bytes of the PIECES out of the extents WATCH, which otherwise would seem to be changed
 * by whoever saves there. WATCH has room for MAX entries; E2BIG when these do not suffice.
 */
int volume_exclude(const struct watch *pieces, size_t piece_count, struct watch *watch, size_t max,
		   size_t *count, struct error *err);

#endif
