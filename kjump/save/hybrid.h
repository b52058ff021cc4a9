/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hybrid sleep: the system's image, then suspend to RAM. Nothing of the system may run in between,
 * or the image is outdated before it is needed: programs are frozen before the jump, kernel threads
 * with it, and all of it stays so until the machine wakes up and the image is marked.
 * The kernel's own hibernation from user space does the same (SNAPSHOT_S2RAM, kernel/power/user.c).
 */
#ifndef KJUMP_SAVE_HYBRID_H
#define KJUMP_SAVE_HYBRID_H

#include "common/error.h"
#include "jump/jump.h"

/*
 * Could this system do it: BACKEND leaves frozen what is frozen, and MEM_SLEEP
 * (/sys/power/mem_sleep) has "deep"? Fails with what is missing.
 */
int hybrid_supported(const struct jump_backend *backend, const char *mem_sleep, struct error *err);

/*
 * With all frozen by SNAPSHOT, which is /dev/snapshot: suspend to RAM. Returns when somebody has
 * woken the machine up.
 */
int hybrid_suspend(int snapshot, struct error *err);

#endif
