/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it takes to restore an image, for those who make one: an image that no kernel can restore is
 * a lost session.
 */
#ifndef IMAGE_RESTORABLE_H
#define IMAGE_RESTORABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"

/*
 * Bytes of the home from its start on, as far as it is one piece: that much room the restore
 * payload has. 0 when START is not in the list HOME (sorted).
 */
uint64_t image_home_size(const struct runs *home, uint64_t start);

/*
 * Bytes of the payload's segment for RAM, CHUNKS, and a restorer's plan of RUNS runs of data and
 * CLEARS runs of frames that are cleared.
 */
uint64_t image_payload_size(const struct runs *ram, uint64_t chunks, uint64_t runs,
			    uint64_t clears);

/* Does the restorer clear the free frames, and what kernel C has left in the home? */
bool image_clears_free(const struct image_machine *machine);

/* At most so many runs of frames a restorer clears. */
size_t image_clears_max(const struct image_index *index);

/* Runs of a restorer's plan for an image of RUNS: it cuts some where its own memory begins. */
static inline uint64_t image_plan_runs(uint64_t runs)
{
	return runs + runs / 4 + 64;
}

/*
 * Can the image be restored by a kernel that takes BOOT bytes of this machine's RAM for itself?
 * ENOSPC when the payload does not fit into the home, ENOMEM when the pages do not fit beside that
 * kernel; the error says how much is missing.
 */
int image_restorable(const struct image_index *index, uint64_t boot, struct error *err);

#endif
