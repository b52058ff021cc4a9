/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One restore, from the device to the jump. */
#ifndef RESTORE_RUN_H
#define RESTORE_RUN_H

#include <stdint.h>

#include "common/error.h"
#include "restore/options.h"

/*
 * Does not return when it succeeds, unless the options say --check. STARTED is clock_now() when
 * the program started. Says why it failed, and what the state of the image is then.
 */
enum exit_code restore_run(const struct restore_options *options, uint64_t started);

#endif
