/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system's hardware watchdogs. Nobody feeds them while it is frozen, and few are stopped by
 * their drivers, so they are stopped before a jump and started again when the system is back, be it
 * from kernel B or from a disk. In between kernel B has a watchdog of its own on the same hardware.
 */
#ifndef KJUMP_SAVE_WATCHDOGS_H
#define KJUMP_SAVE_WATCHDOGS_H

#include <stddef.h>

#include "common/abi.h"

/* Made by watchdogs_stop(); watchdogs_start() ends it. */
struct watchdogs {
	int fds[REQUEST_WATCHDOG_MAX];
	struct request_watchdog entries[REQUEST_WATCHDOG_MAX];
	size_t count;
};

/*
 * Stop those that a process has open, which is what makes them run: with its own descriptor, as a
 * second one cannot be had. One that refuses (nowayout) is fed a last time.
 */
void watchdogs_stop(struct watchdogs *watchdogs);
void watchdogs_start(struct watchdogs *watchdogs);

#endif
