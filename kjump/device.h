/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device that images go to.
 */
#ifndef KJUMP_DEVICE_H
#define KJUMP_DEVICE_H

#include "disk/disk.h"
#include "image/image.h"
#include "kjump/file/claimed.h"
#include "kjump/options.h"

/*
 * Find the device or claimed file SPEC, open it and read its superblock. disk_close() ends it. A
 * file that does not lie where it lay when it was claimed cannot be opened to be written to.
 */
int device_open(const char *spec, enum disk_mode mode, struct disk *disk, struct image_super *super,
		struct error *err);

/* The same; FILE is told what it is when it is a file that is opened to be written to. */
int device_open_target(const char *spec, enum disk_mode mode, struct disk *disk,
		       struct image_super *super, struct claimed_file *file, struct error *err);

/*
 * Is the operand an image's: its number as `kjump list` prints it, or its UUID? (A file of such a
 * name is named with its folder.)
 */
bool device_is_image(const char *operand);

/* Take the image ID, or without one (NULL) the usual one, to hand; ENODATA when there is none. */
int device_take(const struct disk *disk, struct image_super *super, const char *id,
		struct error *err);

/* The image that OPTIONS name, of the operands [DEVICE] [IMAGE]; NULL. */
const char *device_image(const struct options *options);

/* What a command does with an open device and its superblock. Returns its exit code. */
typedef int (*device_action)(const struct disk *disk, struct image_super *super,
			     const struct options *options);

/*
 * Run ACTION on the device that OPTIONS name, opened for MODE, with the image that they name at
 * hand. When that is not possible says so, and that NOTHING ("nothing was verified"), and returns
 * EXIT_FAILED, or EXIT_NO_IMAGE when there is no image of that name.
 */
int device_run(const struct options *options, enum disk_mode mode, const char *nothing,
	       device_action action);

#endif
