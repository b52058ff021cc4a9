/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must be in order before anything is touched.
 */
#ifndef KJUMP_PREFLIGHT_H
#define KJUMP_PREFLIGHT_H

#include "common/error.h"
#include "disk/disk.h"
#include "image/image.h"

struct preflight {
	const char *target; /* as the user calls it */
	struct disk disk;   /* closed again; its name is the path found */
	struct image_super super;
};

/* One thing to check. Returns 0, or a negative errno value with the cause. */
struct preflight_check {
	const char *name;
	int (*run)(struct preflight *preflight, struct error *err);
};

/* Ends with a NULL name. */
extern const struct preflight_check preflight_checks[];

/* Run all until one fails. Fills in all but `target`. */
int preflight_run(struct preflight *preflight, struct error *err);

#endif
