/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/signals.h"

#include <signal.h>
#include <sys/signalfd.h>

void signals_ignore_pipe(void)
{
	signal(SIGPIPE, SIG_IGN);
}

static sigset_t *stopping(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	return set;
}

void signals_hold(void)
{
	sigset_t set;

	sigprocmask(SIG_BLOCK, stopping(&set), NULL);
}

void signals_release(void)
{
	sigset_t set;

	sigprocmask(SIG_UNBLOCK, stopping(&set), NULL);
}

bool signals_waiting(void)
{
	sigset_t set, pending, both;

	return !sigpending(&pending) && !sigandset(&both, &pending, stopping(&set)) &&
	       !sigisemptyset(&both);
}

int signals_descriptor(void)
{
	sigset_t set;

	return signalfd(-1, stopping(&set), SFD_CLOEXEC);
}

void signals_default(posix_spawnattr_t *attributes)
{
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawnattr_setsigdefault(attributes, &pipe);
}
