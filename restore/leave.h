/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last steps in kernel C: the payload's struct, the state on the disk, the jump. */
#ifndef RESTORE_LEAVE_H
#define RESTORE_LEAVE_H

#include <stdint.h>

#include "common/error.h"
#include "disk/disk.h"
#include "image/image.h"
#include "restore/stage.h"

struct leave {
	const char *target; /* what the user called it */
	struct disk *disk;  /* closed before the jump */
	struct image_super *super;
	const struct image_index *index;
	const struct stage *stage;
	uint64_t started;     /* clock_now() when the program started */
	uint64_t started_tsc; /* and the time-stamp counter then */
	uint64_t prepared;    /* ns of work so far, reading not counted */
	uint32_t cpus;	      /* that the payload uses at most; 0 = all that it can */
	bool quiet;
};

/* Are the addresses that the payload is given in A's RAM and outside its home? */
int leave_check(const struct image_index *index, struct error *err);

/*
 * Load the payload, look at the page map a last time, write HANDED_OVER, jump. Returns only when
 * it failed, with a negative errno value; the image then has the state it had before, or err
 * says that it could not be written; SUPER->state is what is on the disk.
 */
int leave_jump(struct leave *leave, struct error *err);

#endif
