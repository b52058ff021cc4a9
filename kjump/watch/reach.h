/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which block devices kernel B has as well. It has drivers for controllers and disks; what this
 * system made of a network, of memory or of other devices it has not.
 */
#ifndef KJUMP_WATCH_REACH_H
#define KJUMP_WATCH_REACH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* NULL, or why kernel B does not have the device NAME that lies at SYSFS (a path in /sys/devices).
 */
const char *reach_obstacle(const char *name, const char *sysfs);

/* What removable thing the device at SYSFS is ("a USB disk"); NULL when it is none. */
const char *reach_removable(const char *sysfs);

/*
 * Where below SYS ("/sys") the disk or partition NAME is; one with several paths to it, where its
 * first controller is. "" when it is not there.
 */
void reach_path(const char *sys, const char *name, char path[PATH_MAX]);

/* Of /sys/class/block/NAME. What is not there lies at "". */
const char *reach_device(const char *name);
const char *reach_removable_device(const char *name);

#endif
