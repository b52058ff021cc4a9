/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/signals.h"

#include <signal.h>

void signals_ignore_pipe(void)
{
	signal(SIGPIPE, SIG_IGN);
}

void signals_default(posix_spawnattr_t *attributes)
{
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawnattr_setsigdefault(attributes, &pipe);
}
