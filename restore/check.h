/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May this image be restored on this machine? Comparisons of plain structs, without I/O but for
 * the fingerprints.
 */
#ifndef RESTORE_CHECK_H
#define RESTORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "image/image.h"
#include "memory/platform.h"
#include "restore/waiting.h"

/* Loads of an image that may fail before no boot tries again by itself. */
#define CHECK_ATTEMPTS 2

/*
 * Is it a hibernation image that waits to be restored? Returns EXIT_DONE; EXIT_NO_IMAGE when
 * there is none; EXIT_FAILED, or EXIT_HANDED_OVER, when there is one that is only restored with
 * AGAIN. ERR says which and why.
 */
enum exit_code check_state(const struct image_super *super, bool again, struct error *err);

/*
 * Processor, encrypted memory and firmware. Another CPU model that lacks nothing, and another FACS
 * signature, only get a message. ENODEV names what differs.
 */
int check_platform(const struct image_machine *machine, const struct platform *here,
		   struct error *err);

/*
 * Is all of A's RAM, to which its ACPI tables belong when they were saved, still RAM in the
 * firmware map HERE (sorted), or full of this boot's ACPI tables? ENODEV names the first range that
 * is not. Of what A's firmware had for itself, memory that it shares with A (type 4, and tables
 * that were not saved) must be where it was; other differences only count where they overlap A's
 * RAM.
 */
int check_memory(const struct image_index *index, const struct firmware_range *here, size_t count,
		 struct error *err);

/*
 * Does the EFI firmware lie where A knows it? HERE and DIGEST are those of this boot's runtime map.
 * ENODEV names the first range that differs.
 */
int check_efi(const struct image_index *index, uint64_t digest, const struct efi_range *here,
	      size_t count, struct error *err);

/*
 * Hash what the image watches. ESTALE when the bytes of a device changed. A device that is not
 * there is waited for, then ENODEV.
 */
int check_fingerprints(const struct image_index *index, struct waiting *waiting, struct error *err);

#endif
