/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Of which boot the images of this system are, and the secret of their digests: the same from the
 * first save after a boot on, and after each restore.
 */
#ifndef KJUMP_SAVE_IDENTITY_H
#define KJUMP_SAVE_IDENTITY_H

#include "common/abi.h"
#include "image/image.h"

/*
 * What the file at PATH holds, which is made when it is not there, or is not what this made. It
 * must lie on a file system that is gone after a boot, and nobody else may read it: whoever knows
 * the secret can make pages that a save takes for others.
 */
int identity_read(const char *path, struct image_identity *ret, struct error *err);

/* The same into REQUEST. Without it no image can be built on another one, which is all: a message.
 */
void identity_fill(const char *path, struct request *request);

#endif
