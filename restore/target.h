/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image device: found, opened, its superblock read. */
#ifndef RESTORE_TARGET_H
#define RESTORE_TARGET_H

#include "common/error.h"
#include "disk/disk.h"
#include "image/image.h"
#include "restore/waiting.h"

/*
 * Wait for the device, open it and read its superblock. Returns EXIT_DONE; EXIT_NO_DEVICE when it
 * is not there; EXIT_NO_IMAGE when it was never claimed; EXIT_FAILED. disk->fd is -1 unless it
 * succeeds; ERR names the device.
 */
enum exit_code target_open(const char *spec, enum disk_mode mode, struct waiting *waiting,
			   struct disk *disk, struct image_super *super, struct error *err);

/*
 * Mark the hibernation images that wait to be restored on all devices that SPEC names stale: a
 * clone beside the original, too. The exit code of --boot-on.
 */
enum exit_code target_boot_on(const char *spec, const char *reason, struct waiting waiting);

/* Boots that may start the machine anew because they cannot restore one image. */
#define TARGET_REBOOTS 3

/*
 * Count one in the superblock of an image that waits to be restored. The exit code of
 * --count-reboot: EXIT_FAILED when there were TARGET_REBOOTS already.
 */
enum exit_code target_count_reboot(const char *spec, struct waiting waiting);

/*
 * Print "sealed" or "plain" when a hibernation image waits that a boot may restore. The exit code
 * of --waits: EXIT_NO_IMAGE when none does.
 */
enum exit_code target_print_waiting(const char *spec, struct waiting waiting);

/* Print the device's path; the first one's when there are several. The exit code of --find. */
enum exit_code target_print(const char *spec);

#endif
