/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGPIPE, which would end a program in the middle of what must be ended or undone because whoever
 * reads its messages has gone.
 */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include <spawn.h>

/* From here on writing to such a pipe fails with EPIPE, which main() may tell at the end. */
void signals_ignore_pipe(void);

/*
 * Let a program that is started with ATTRIBUTES have SIGPIPE as usual: what is ignored is inherited
 * by execve(2). Its flags must
 * include POSIX_SPAWN_SETSIGDEF.
 */
void signals_default(posix_spawnattr_t *attributes);

#endif
