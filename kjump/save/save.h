/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving the running system: what `hibernate` and `checkpoint` have in common, which is nearly
 * everything.
 */
#ifndef KJUMP_SAVE_SAVE_H
#define KJUMP_SAVE_SAVE_H

#include "common/abi.h"
#include "kjump/options.h"

/* Returns an exit code, after the machine is back. */
int save_system(const struct options *options, enum operation operation);

#endif
