/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cpusets of cgroup version 1. Groups lose a CPU that goes offline for good, and one that has none
 * left loses its tasks, too (hotplug_update_tasks_legacy(), kernel/cgroup/cpuset-v1.c). Those of
 * version 2 have their CPUs again when these come back.
 */
#ifndef KJUMP_SAVE_CPUSETS_H
#define KJUMP_SAVE_CPUSETS_H

#include <stddef.h>

#include "common/error.h"

struct cpuset {
	char *path;  /* its directory */
	char *cpus;  /* "0-3", as the file has it */
	char *tasks; /* one number a line; NULL unless the group may lose them */
};

/* Made by cpusets_save(); cpusets_restore() ends it, and may always be called. */
struct cpusets {
	struct cpuset *sets; /* a group before those in it */
	size_t count, capacity;
};

/*
 * Note the CPUs of all groups, and the tasks of those without CPU 0. MOUNTS is /proc/self/mounts;
 * no hierarchy of that kind is no error. Fails when there is no memory.
 */
int cpusets_save(struct cpusets *cpusets, const char *mounts, struct error *err);

/* Give groups back what they lost. A message names one that cannot have it. */
void cpusets_restore(struct cpusets *cpusets);

#endif
