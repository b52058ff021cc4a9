/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other CPUs, offline before devices freeze. Kernels do it in the opposite order
 * (kernel_kexec(), hibernation_snapshot()): a request of the write-back that is never frozen then
 * waits in the stopped queue of a CPU which waits for it before it goes (virtblk_freeze() and
 * blk_mq_hctx_notify_offline()), for ever.
 */
#ifndef KJUMP_SAVE_CPUS_H
#define KJUMP_SAVE_CPUS_H

#include <stddef.h>

#include "common/error.h"

/* Made by cpus_park(); cpus_unpark() ends it. */
struct cpus {
	unsigned *parked; /* numbers of those that were switched off, in the order of that */
	size_t count;
};

/*
 * Switch off all CPUs that are online but CPU 0 and those that cannot be. SYS is
 * /sys/devices/system/cpu. Must come before /dev/snapshot is opened, which forbids it
 * (cpu_hotplug_pm_callback()), with signals blocked. When one refuses, the others are online again,
 * and the error names it.
 */
int cpus_park(struct cpus *cpus, const char *sys, struct error *err);

/* Switch them on again, and no others. A message says which one stays offline. */
void cpus_unpark(struct cpus *cpus, const char *sys);

/*
 * Switch on those of LIST ("0-3,8") that are there and offline. Returns how many that were; a
 * message says which one stays offline.
 */
size_t cpus_wake_list(const char *list, const char *sys);

/*
 * Wake the CPUs that are offline, and put them to sleep again: another kernel had them in between,
 * and left them with machine checks disabled, so that one on any CPU would end the machine.
 */
void cpus_wake_offline(const char *sys);

#endif
