/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The freeze, rehearsed: when a device refuses in the middle of a real jump, kernels before 6.16.1
 * leave the others frozen, and the system hangs. The kernel's own hibernation asks the same
 * devices the same and recovers, so it makes one snapshot first, which is thrown away.
 */
#ifndef KJUMP_SAVE_REHEARSE_H
#define KJUMP_SAVE_REHEARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "kjump/config.h"

/*
 * Rehearse, unless this set of devices and drivers was rehearsed since the boot or the settings
 * say no; it is announced unless QUIET. Fails naming what refused. Where rehearsing is impossible a
 * message says so, and it succeeds.
 */
int rehearse(const struct config *config, bool quiet, struct error *err);

/*
 * The same where CONFIG's way of jumping needs it: the module undoes everything when somebody
 * refuses, so there is nothing to practise for.
 */
int rehearse_for_jump(const struct config *config, bool quiet, struct error *err);

#endif
