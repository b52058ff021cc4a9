/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image device: found, opened, its superblock read. */
#ifndef RESTORE_TARGET_H
#define RESTORE_TARGET_H

#include <stdint.h>

#include "common/error.h"
#include "disk/disk.h"
#include "image/image.h"

/*
 * Wait for the device until CLOCK_BOOTTIME reaches DEADLINE (ns), open it and read its superblock.
 * Returns EXIT_DONE; EXIT_NO_IMAGE when it is not there or was never claimed; EXIT_FAILED.
 * disk->fd is -1 unless it succeeds; ERR names the device.
 */
enum exit_code target_open(const char *spec, enum disk_mode mode, uint64_t deadline,
			   struct disk *disk, struct image_super *super, struct error *err);

/* Mark a hibernation image that waits to be restored stale. The exit code of --boot-on. */
enum exit_code target_boot_on(const char *spec, const char *reason, uint64_t deadline);

#endif
