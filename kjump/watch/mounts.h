/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems that are mounted.
 */
#ifndef KJUMP_WATCH_MOUNTS_H
#define KJUMP_WATCH_MOUNTS_H

#include "common/error.h"

struct mount {
	unsigned major, minor; /* 0 = the number is none of a block device's */
	const char *type, *source, *target;
	const char *options; /* of the file system, "a,b=c" */
};

/* Called with each mount; returns 0, or a negative errno value that ends it. */
typedef int (*mount_action)(void *context, const struct mount *mount, struct error *err);

/*
 * Call ACTION for each line of MOUNTINFO (path, in the format of /proc/self/mountinfo); lines that
 * are none of a mount are skipped.
 */
int mounts_each(const char *mountinfo, mount_action action, void *context, struct error *err);

#endif
