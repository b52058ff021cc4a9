/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGPIPE, which would end a program in the middle of what must be ended or undone because whoever
 * reads its messages has gone; and those by which somebody stops it.
 */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include <spawn.h>
#include <stdbool.h>

/* From here on writing to such a pipe fails with EPIPE, which main() may tell at the end. */
void signals_ignore_pipe(void);

/*
 * SIGINT, SIGTERM and SIGHUP are held back from here on, until signals_release(): the program asks
 * where it can stop. Programs that it starts have to be given signals of their own.
 */
void signals_hold(void);
void signals_release(void);

/* Is one of them waiting? */
bool signals_waiting(void);

/* A descriptor that poll(2) finds readable when one is, which the caller closes; or -1. */
int signals_descriptor(void);

/*
 * Let a program that is started with ATTRIBUTES have SIGPIPE as usual: what is ignored is inherited
 * by execve(2). Its flags must
 * include POSIX_SPAWN_SETSIGDEF.
 */
void signals_default(posix_spawnattr_t *attributes);

#endif
