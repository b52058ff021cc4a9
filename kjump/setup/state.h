/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all parts of setup know of one run.
 */
#ifndef KJUMP_SETUP_STATE_H
#define KJUMP_SETUP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "kjump/setup/journal.h"

#define SETUP_PATH 512
#define PARAMETER  "rd.kjump.resume"
#define SETUP_FILE "/var/lib/kjump.img" /* that images go to where no device is free */

struct setup {
	const char *root; /* "" = the running system; a directory with its own /etc, ... in tests */
	bool dry_run;
	FILE *out;	/* one line a change */
	char spec[128]; /* how kjump.conf and the parameter name it */
	char word[160]; /* the parameter */
	struct journal journal;
	size_t start;	  /* records that were there before this run */
	unsigned changes; /* made, or with dry_run to be made */
	unsigned loaders; /* boot loaders that have the parameter, or get it */
	bool images_due;  /* something changed that goes into initramfs images */
	bool undoing;	  /* which no signal stops */
	unsigned todo;	  /* what somebody has to do by hand, said on OUT */
};

/* PATH below the root. Returns TEXT. */
char *setup_path(const struct setup *setup, const char *path, char text[SETUP_PATH]);
bool setup_has(const struct setup *setup, const char *path);

/* Say what is to be done by hand. */
void setup_todo(struct setup *setup, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
