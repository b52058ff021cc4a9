/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is behind a loop device.
 */
#ifndef KJUMP_WATCH_LOOP_H
#define KJUMP_WATCH_LOOP_H

#include <stdint.h>
#include <sys/types.h>

/* What the driver says of the file (LOOP_GET_STATUS64): by number, whatever its name is by now. */
struct loop_file {
	dev_t device; /* of the file system that it lies in */
	uint64_t inode;
	dev_t behind; /* the device that it is a node of; 0 = none, it is a file */
};

/*
 * Why the loop device over FILE cannot be judged by the file system that FILE lies in; NULL when it
 * can. PATH is what the driver calls the file, which another mount namespace may have made; PROC
 * ("/proc") is where tasks and what they see are looked for.
 */
const char *loop_judge(const struct loop_file *file, const char *path, const char *proc);

/*
 * The same of the loop device NAME, or of the one that it is a partition of, as it is now. What
 * cannot be found out is an obstacle too.
 */
const char *loop_obstacle(const char *name);

#endif
