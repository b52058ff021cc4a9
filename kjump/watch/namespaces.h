/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that is mounted, for whoever.
 */
#ifndef KJUMP_WATCH_NAMESPACES_H
#define KJUMP_WATCH_NAMESPACES_H

#include "kjump/watch/mounts.h"

/*
 * Call ACTION for each mount of each mount namespace that a task of PROC ("/proc") is in, the
 * caller's first. What is mounted in several comes several times.
 */
int namespaces_each(const char *proc, mount_action action, void *context, struct error *err);

#endif
