/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A's swap areas, which kernel B sealed (disk/swapseal.h): they are A's own again after the jump,
 * whatever became of the save.
 */
#ifndef KJUMP_SAVE_AREAS_H
#define KJUMP_SAVE_AREAS_H

#include <stddef.h>

#include "common/abi.h"

/*
 * Put the signatures back into the COUNT header pages SEALS. The kernel lets nobody write to a
 * device that is swapped to but who hibernates to it, which SNAPSHOT, /dev/snapshot opened, says
 * (blkdev_write_iter() and SNAPSHOT_SET_SWAP_AREA in the kernel). One that fails is left with a
 * message(): A needs no signature before the next boot.
 */
void areas_open(const struct watch *seals, size_t count, int snapshot);

#endif
