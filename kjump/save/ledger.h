/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was switched off for a jump, in a file, written before it is done: a process that is killed
 * meanwhile (SIGKILL cannot be blocked) puts nothing back, so the next one does.
 */
#ifndef KJUMP_SAVE_LEDGER_H
#define KJUMP_SAVE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "kjump/save/affinity.h"

/* Made by ledger_begin(); ledger_end() ends it. */
struct ledger {
	FILE *file; /* NULL when it cannot be written, which was told */
};

/* Where things are. */
struct ledger_places {
	const char *path; /* the file */
	const char *proc; /* /proc */
	const char *cpus; /* /sys/devices/system/cpu */
};

/* The caller holds the lock, and nothing is left of an earlier one. */
void ledger_begin(struct ledger *ledger, const char *path);

/* The power/wakeup file PATH will be switched off. */
void ledger_wakeup(struct ledger *ledger, const char *path);

/* CPUs will be switched off, of those in CPUS/online; threads run where AFFINITY says. */
void ledger_cpus(struct ledger *ledger, const char *cpus, const struct affinity *affinity);

/* Everything is as it was: the file at PATH goes. */
void ledger_end(struct ledger *ledger, const char *path);

/*
 * Put back what the file says, if there is one, with a message, and remove it. The caller holds the
 * lock: whoever wrote it is no more.
 */
void ledger_put_back(const struct ledger_places *places);

#endif
