/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Will kernel B be able to tell this kernel's free pages apart? The same search, tried on the
 * running kernel.
 */
#ifndef KJUMP_LOAD_FINDER_H
#define KJUMP_LOAD_FINDER_H

#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"

/*
 * Search the kernel that KCORE (/proc/kcore) shows, with RAM from IOMEM (/proc/iomem), and compare
 * the result with ZONEINFO (/proc/zoneinfo). Memory changes meanwhile, so it is tried three times
 * and small differences do not count. An error names what stands against it.
 */
int finder_check(const char *kcore, const char *iomem, const char *zoneinfo, struct error *err);

/* With a message in place of an error: better told now than by the time that an image takes. */
void finder_tell(const char *kcore, const char *iomem, const char *zoneinfo);

/* Sum of nr_free_pages over all zones; ENODATA when there is none. */
int finder_zone_count(const char *zoneinfo, uint64_t *ret, struct error *err);

#endif
