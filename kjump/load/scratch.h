/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that a kernel with kexec handover keeps for movable pages alone. */
#ifndef KJUMP_LOAD_SCRATCH_H
#define KJUMP_LOAD_SCRATCH_H

#include "common/error.h"
#include "common/runs.h"

/*
 * Frames of the scratch areas, sorted: the numbers in DIRECTORY/scratch_phys and scratch_len, with
 * DIRECTORY being /sys/kernel/debug/kho/out. No such files is no error. They only make a place
 * cheaper, so that what cannot be read is no error either.
 */
void scratch_read(const char *directory, struct runs *ret);

#endif
