/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one image that may be restored, in a variable of the EFI firmware: an older one that somebody
 * puts back on the device is not it. Where there is no such firmware nothing is pinned.
 */
#ifndef SEAL_PIN_H
#define SEAL_PIN_H

#include <stdint.h>

#include "common/error.h"

/* Where Linux shows variables (efivarfs), and the one of ours in it. */
#define PIN_FOLDER "/sys/firmware/efi/efivars"
#define PIN_NAME   "KjumpImage-4f1f2ad8-6c1a-4b57-8c61-2d9a7f0b53e6"

/*
 * Write the UUID of an image that is about to be made. ENODEV when there are no variables in
 * FOLDER, or none can be made there: the image is made without.
 */
int pin_write(const char *folder, const uint8_t image_uuid[16], struct error *err);

/*
 * Is it the image? ESTALE when it is another one, or none is pinned; ENODEV when nobody can tell,
 * because there are no variables in FOLDER.
 */
int pin_compare(const char *folder, const uint8_t image_uuid[16], struct error *err);

/* No image may be restored any more. Quiet when none was pinned. */
void pin_remove(const char *folder);

/* See to it that the variables are in FOLDER, if the firmware has any: early in a boot nobody has
 * mounted them. */
void pin_mount(const char *folder);

#endif
