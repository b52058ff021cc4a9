/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other processes, by a descriptor. */
#ifndef COMMON_PROCESS_H
#define COMMON_PROCESS_H

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * pidfd_open(2), which glibc has since 2.36: can be read when process PID has ended. Negative, with
 * errno, on failure. The caller closes it.
 */
static inline int process_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

#endif
