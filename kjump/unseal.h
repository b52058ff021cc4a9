/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who opens sealed images for a command that reads one.
 */
#ifndef KJUMP_UNSEAL_H
#define KJUMP_UNSEAL_H

#include "image/image.h"
#include "kjump/options.h"

/*
 * For the image at hand: whoever has the restore key that OPTIONS name; else the sender's key of
 * this system, if it is there for this user, which opens what was made here. NULL when it is not
 * sealed, or there is neither: *RET is nobody then. An error when there is a key and it is no good,
 * or one was named for an image in clear. opener_end() in any case.
 */
int unseal_by(const struct options *options, const struct image_super *super, struct opener *opener,
	      const struct opener **ret, struct error *err);

#endif
