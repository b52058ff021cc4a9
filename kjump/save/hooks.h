/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What others have to do before the system is frozen and when it is back: the programs that systemd
 * runs around sleep, and scripts of the administrator's in /etc/kjump.d.
 */
#ifndef KJUMP_SAVE_HOOKS_H
#define KJUMP_SAVE_HOOKS_H

#include <signal.h>
#include <stdbool.h>

#include "common/error.h"

#define HOOKS_MAX 64 /* programs in one folder */

struct hooks {
	const char *root; /* "", or a folder with its own /etc and /usr in tests */
	/*
	 * What programs are told the system does: "hibernate", "suspend-then-hibernate",
	 * "hybrid-sleep" or "checkpoint".
	 */
	const char *operation;
	/* Run systemd's as well, which expect that the machine is about to be off. */
	bool sleep;
	unsigned seconds; /* for each of those in /etc/kjump.d, and for all of systemd's */
	sigset_t signals; /* the hooks' own */
	bool blocked;
};

/*
 * Run /etc/kjump.d/pre, one after the other by name, as PROGRAM pre OPERATION; then, with SLEEP,
 * those of system-sleep, all at once, whose failures are messages, as systemd-sleep does
 * (src/sleep/sleep.c, execute()). Fails naming the first of the former that does not succeed, which
 * has a reason not to be frozen now. Signals that would end the process are blocked from here to
 * hooks_post(), which must follow in any case; SIGPIPE is ignored from here on. The programs have
 * all of them as they were.
 */
int hooks_pre(struct hooks *hooks, struct error *err);

/* The same with "post", the other way round: system-sleep first. Failures are messages. */
void hooks_post(struct hooks *hooks);

/*
 * Have logind tell all sessions to lock their screens: whoever restores the system must not find
 * it open. For whom logind has not told already; systems without it have no such sessions.
 */
void hooks_lock_sessions(const char *root);

#endif
