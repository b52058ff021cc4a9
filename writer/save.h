/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving a frozen machine's memory as an image: from any struct memory to any claimed device, so
 * that the whole of it runs on plain files as well.
 */
#ifndef WRITER_SAVE_H
#define WRITER_SAVE_H

#include <stdint.h>

#include "common/error.h"
#include "disk/disk.h"
#include "image/image.h"
#include "writer/job.h"

struct save_result {
	struct image_super super; /* of the new image, with its page counts */
	uint64_t bytes;		  /* written to the device */
	char full[160];		  /* why not all pages were compared with another image; or "" */
};

/*
 * Save. On any error no hibernation image is valid on the device: one that was committed and
 * could not be verified is marked stale, and so is an older one.
 */
int save_run(const struct save_job *job, struct save_result *ret, struct error *err);

/*
 * For a save that fails before save_run(), or in it: mark what would be restored at the next boot
 * as stale, be it an older hibernation image or the image COMMITTED (UUID, or NULL) itself.
 * Should that fail as well, a message says so; NAME is what the user calls the device.
 */
void save_leave_none_valid(const struct disk *disk, const char *name, const uint8_t *committed);

#endif
