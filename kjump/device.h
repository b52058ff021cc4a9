/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device that images go to.
 */
#ifndef KJUMP_DEVICE_H
#define KJUMP_DEVICE_H

#include "disk/disk.h"
#include "image/image.h"
#include "kjump/options.h"

/* Find the device SPEC, open it and read its superblock. disk_close() ends it. */
int device_open(const char *spec, enum disk_mode mode, struct disk *disk, struct image_super *super,
		struct error *err);

/* What a command does with an open device and its superblock. Returns its exit code. */
typedef int (*device_action)(const struct disk *disk, struct image_super *super,
			     const struct options *options);

/*
 * Run ACTION on the device that OPTIONS name, opened for MODE. When that is not possible says so,
 * and that NOTHING ("nothing was verified"), and returns EXIT_FAILED.
 */
int device_run(const struct options *options, enum disk_mode mode, const char *nothing,
	       device_action action);

#endif
