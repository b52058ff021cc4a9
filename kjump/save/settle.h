/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of the image on the target once the system runs again. What runs must never be restored
 * a second time, so this is the first thing that is done when it is back: the target is held open
 * through the jump, and no other device is looked at before.
 */
#ifndef KJUMP_SAVE_SETTLE_H
#define KJUMP_SAVE_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "disk/disk.h"

struct settle {
	const char *target; /* "UUID=...", to find it again where it is not held */
	bool dry_run;	    /* then nothing is written, whatever happens */
	struct disk disk;   /* held; fd -1 = not */
};

/* TARGET is the caller's. Nothing is held yet. */
void settle_begin(struct settle *settle, const char *target, bool dry_run);

/* Open the target for writing and hold it. */
int settle_hold(struct settle *settle, struct error *err);

/* The system came back from the image IMAGE: RESTORED. Says so when that cannot be written. */
void settle_restored(struct settle *settle, const uint8_t image[16]);

/*
 * The system went on without having been restored: no hibernation image may wait on the target.
 * Kernel B sees to that itself, unless it was killed. Says so when that cannot be written.
 */
void settle_went_on(struct settle *settle);

/* Lets go of the target. */
void settle_end(struct settle *settle);

#endif
