/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What somebody sees while an image is read, and how it is stopped: a bar on the consoles, the
 * message of a splash screen, or a line for each tenth where there is neither.
 */
#ifndef RESTORE_SCREEN_H
#define RESTORE_SCREEN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "restore/splash.h"
#include "text/terminals.h"
#include "text/watcher.h"

/* Where to show it. */
struct screen_source {
	const char *consoles;  /* "/proc/consoles"; NULL: standard error, if it is a terminal */
	const char *directory; /* "/dev" */
	bool keys;	       /* whoever sits there may stop it, */
	unsigned again_ms;     /* by pressing one twice within this time */
};

extern const struct screen_source screen_of_boot, screen_of_caller;

/* screen_open() fills it; screen_close() ends it. */
struct screen {
	uint64_t total;
	_Atomic uint64_t done; /* pages */
	atomic_bool stopped;
	bool lines, keys;
	uint64_t again; /* ns */
	struct terminals terminals;
	struct watcher watcher;
	struct splash splash;
	uint64_t start, pressed; /* when the key was pressed once, or 0; ns */
	unsigned presses;	 /* seen so far */
	int wake[2];
	pthread_t thread;
	bool running;
};

/* TOTAL pages will be read. SOURCE NULL: nothing is shown, and nothing stops it. */
void screen_open(struct screen *screen, const struct screen_source *source, uint64_t total);

/* PAGES more were read. Thread-safe. ECANCELED when somebody has stopped it. */
int screen_add(struct screen *screen, uint64_t pages, struct error *err);

/* The bar is gone, and the terminals are as they were. */
void screen_close(struct screen *screen);

#endif
