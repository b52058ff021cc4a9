/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices claimed for images. DISK is open with DISK_WRITE.
 */
#ifndef KJUMP_CLAIM_H
#define KJUMP_CLAIM_H

#include <stdbool.h>

#include "disk/disk.h"
#include "image/image.h"

/* What is on the device, as a clause ("contains ..."); EEXIST unless there is nothing. */
int claim_look(const struct disk *disk, struct error *err);

/* ENOSPC when it is too small. */
int claim_fits(const struct disk *disk, struct error *err);

/* Is it a file? By its path neither kernel B nor a boot finds it. */
bool claim_is_file(const struct disk *disk);

/*
 * Claim it, whatever is on it, with LABEL or NULL; what libblkid recognises is erased first with
 * FORCE. ENOSPC when it is too small, EINVAL for a LABEL that does not fit.
 */
int claim_make(const struct disk *disk, const char *label, bool force, struct image_super *super,
	       struct error *err);

/* Take the lock of loader_lock() for a block device; a file is no matter for those who save. */
int claim_lock(const struct disk *disk, struct error *err);

#endif
