/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running system around a jump: what kernel_kexec() leaves undone that the kernel's own
 * hibernation does, before and after.
 */
#ifndef KJUMP_SAVE_QUIESCE_H
#define KJUMP_SAVE_QUIESCE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "kjump/save/affinity.h"
#include "kjump/save/cpus.h"
#include "kjump/save/cpusets.h"
#include "kjump/save/ledger.h"

/* Made by quiesce_begin(); quiesce_end() ends it and puts back all that was changed. */
struct quiesce {
	char **wakeups; /* power/wakeup files that were switched off */
	size_t count, capacity;
	int snapshot; /* -1 = not open */
	sigset_t signals;
	struct affinity affinity;
	struct cpusets cpusets;
	struct cpus cpus;
	struct ledger ledger;
};

/* Where it is noted in this system. */
extern const struct ledger_places quiesce_places;

/*
 * With the lock held: put back what a kjump that was killed in between left switched off. Returns
 * 0; what cannot be put back is a message.
 */
int quiesce_put_back(void);

/*
 * Block signals, switch wake-ups and, with PARK, all CPUs but one off, make drivers and kernel
 * prepare for hibernation, lock this process into memory. EBUSY when another hibernation is under
 * way or a CPU refuses. What it switches off is noted in a file before. quiesce_end() must follow
 * in any case.
 */
int quiesce_begin(struct quiesce *quiesce, bool park, struct error *err);
void quiesce_end(struct quiesce *quiesce);

/* Switch wake-ups on again before the end: the machine is about to sleep, and to be woken up. */
void quiesce_wakeups_on(struct quiesce *quiesce);

/* After A came back: mix ENTROPY into the random pool, wake CPUs that are offline and the NMI
 * watchdog. */
void quiesce_recover(const uint8_t entropy[64]);

#endif
