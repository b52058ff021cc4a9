/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whoever sits at one of the consoles stops what goes on with q or Esc.
 */
#ifndef TEXT_WATCHER_H
#define TEXT_WATCHER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#include "text/keyboard.h"
#include "text/terminals.h"

struct watcher_terminal {
	int fd;
	struct termios before;
	enum keyboard_state keys;
	uint64_t since; /* when the last byte came; nanoseconds */
};

struct watcher {
	struct watcher_terminal terminals[TERMINALS_MAX];
	size_t count;
	int wake[2]; /* closing the write end ends the thread */
	pthread_t thread;
	atomic_bool pressed; /* q or Esc */
	atomic_uint presses; /* how often */
};

/*
 * Watch TERMINALS, which stay open meanwhile: what was typed before is dropped, nothing that is
 * typed is shown. False when there is none to watch; watcher_stop() in either case.
 */
bool watcher_start(struct watcher *watcher, const struct terminals *terminals);

/* The terminals are as they were. */
void watcher_stop(struct watcher *watcher);

#endif
