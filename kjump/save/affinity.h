/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On which CPUs threads may run. The kernel gives one all CPUs when it wakes up and none of its own
 * is online (select_fallback_rq()), and before 6.2 also all of its cpuset whenever a CPU comes or
 * goes; that stays so when they are back. Its own suspend freezes threads first, so that none
 * notices.
 */
#ifndef KJUMP_SAVE_AFFINITY_H
#define KJUMP_SAVE_AFFINITY_H

#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

struct affinity_thread {
	pid_t pid, tid;
	char *cpus; /* the mask as in /proc/PID/task/TID/status: "f,ffffffff" */
};

/* Made by affinity_save(); affinity_restore() ends it, and may always be called. */
struct affinity {
	struct affinity_thread *threads;
	size_t count, capacity;
};

/*
 * Note the CPUs of all threads, but for those of the kernel which cannot be moved. PROC is /proc.
 * Fails when there is no memory.
 */
int affinity_save(struct affinity *affinity, const char *proc, struct error *err);

/* Give those that have other CPUs now what they had. A message counts those that cannot have it. */
void affinity_restore(struct affinity *affinity, const char *proc);

#endif
