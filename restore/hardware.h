/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the hardware that A's drivers go on with still the same, and at the same places? Comparisons
 * of plain lists. A disk or a storage controller that is another one is a reason to refuse: A would
 * write to it what belongs elsewhere. Whatever else differs, A's drivers find out by themselves.
 */
#ifndef RESTORE_HARDWARE_H
#define RESTORE_HARDWARE_H

#include "common/error.h"
#include "disk/devices.h"
#include "image/image.h"

/* ENODEV names the first disk or controller that is another one than A had there. */
int hardware_same(const struct image_index *index, const struct devices *here, struct error *err);

/*
 * ENODEV names the first disk that A has in use, or that its image lies on, and that is not there.
 * Disks that this kernel cannot have are not missed: on USB or the network, or behind a controller
 * that has no driver here.
 */
int hardware_there(const struct image_index *index, const struct devices *here, struct error *err);

/* A line for each of the other differences, but not for more than a few. Returns how many. */
size_t hardware_warn(const struct image_index *index, const struct devices *here);

#endif
