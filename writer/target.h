/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device or volume that a request names. */
#ifndef WRITER_TARGET_H
#define WRITER_TARGET_H

#include <stdbool.h>

#include "common/abi.h"
#include "common/error.h"
#include "disk/disk.h"

/* What the user called the target. */
const char *target_name(const struct request *request);

/*
 * After R: is it worth trying again, because the device may appear yet? Waits a little if so, and
 * takes it off *WAIT_MS.
 */
bool target_wait(unsigned *wait_ms, int r);

/*
 * Open the target for writing; it may take *WAIT_MS to appear, of which less is left afterwards.
 * EUCLEAN when a volume is not the one that was meant.
 */
int target_open(const struct request *request, unsigned *wait_ms, struct disk *disk,
		struct error *err);

#endif
