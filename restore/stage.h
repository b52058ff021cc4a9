/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Getting the pages of an image into memory: frames, plan, reading. */
#ifndef RESTORE_STAGE_H
#define RESTORE_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "disk/disk.h"
#include "image/image.h"
#include "restore/blocks.h"
#include "restore/frames.h"
#include "restore/plan.h"

/* stage_prepare() fills it; stage_free() ends it, also after an error. */
struct stage {
	struct blocks blocks;
	struct frames frames;
	struct plan plan;
	struct run home;    /* where the payload may lie */
	uint64_t read_time; /* ns */
};

/*
 * Bytes that a restore leaves available in a machine with TOTAL bytes of memory, and needs itself,
 * with a payload of SEGMENT bytes.
 */
uint64_t stage_reserve(uint64_t total, uint64_t segment);

/*
 * Acquire frames until every page of the image has a place, in modules that were not in use as
 * well, and make the payload's lists.
 */
int stage_prepare(struct stage *stage, const struct image_index *index, struct error *err);

/*
 * Read every page into its place; unless QUIET, shown on the consoles of this boot, where somebody
 * may stop it (ECANCELED).
 */
int stage_read(struct stage *stage, const struct disk *disk, const struct image_index *index,
	       bool quiet, struct error *err);

/*
 * Read every page for nobody and compare it with its hash, which is the payload's to do when
 * stage_read() has read it.
 */
int stage_verify(const struct disk *disk, const struct image_index *index, bool quiet,
		 struct error *err);

void stage_free(struct stage *stage);

#endif
