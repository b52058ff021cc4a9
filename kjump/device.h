/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device that images go to.
 */
#ifndef KJUMP_DEVICE_H
#define KJUMP_DEVICE_H

#include "disk/disk.h"
#include "image/image.h"
#include "kjump/options.h"

/* The first operand, else the configured target; EINVAL when there is neither. */
int device_spec(const struct options *options, const char **ret, struct error *err);

/* Find the device SPEC, open it and read its superblock. disk_close() ends it. */
int device_open(const char *spec, enum disk_mode mode, struct disk *disk, struct image_super *super,
		struct error *err);

#endif
