/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What could write to a disk, counted. To find out where all of it changes (resolve.h) takes disks
 * and programs that answer; to see whether anything came meanwhile takes neither, so that it works
 * while all other programs are frozen.
 */
#ifndef KJUMP_WATCH_CENSUS_H
#define KJUMP_WATCH_CENSUS_H

#include <stdint.h>

#include "common/error.h"
#include "kjump/watch/resolve.h"

/*
 * RET is another number when a file system was mounted or unmounted in any namespace, a swap area
 * switched on or off, a block device came or went, or somebody took one for himself or let it go.
 */
int census_take(const struct watch_source *source, uint64_t *ret, struct error *err);

#endif
