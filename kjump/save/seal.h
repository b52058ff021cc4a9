/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an image is sealed, as the request tells kernel B.
 */
#ifndef KJUMP_SAVE_SEAL_H
#define KJUMP_SAVE_SEAL_H

#include "common/abi.h"
#include "image/image.h"

/*
 * A fresh key for one image, in its box, and the keys of the images of TARGET that it may be built
 * on; the sender's key is in the file SENDER, and leaves this process again. To be called for each
 * jump: another image must not have the same key. seal_wipe() in any case. Errors name the file.
 */
int seal_request(const char *sender, const struct image_super *target, struct request_seal *ret,
		 struct error *err);

/*
 * The image is the only one that the next boot may restore, where the firmware can keep that
 * (FOLDER: seal/pin.h); elsewhere an older image that is put back is not told from it.
 */
void seal_pin(const char *folder, struct request_seal *seal);

/* Overwrite; the mailbox stays where it is while the system runs. */
void seal_wipe(struct request_seal *seal);

#endif
