/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether images are sealed.
 */
#ifndef KJUMP_KEY_SEALING_H
#define KJUMP_KEY_SEALING_H

#include <stdbool.h>

#include "kjump/config.h"

/*
 * As `seal` says; with auto, when there is a sender's key at the path SENDER. One that cannot be
 * read counts as well: it is refused when it is used, and nothing is saved in clear instead.
 */
bool sealing_wanted(const struct config *config, const char *sender);

#endif
