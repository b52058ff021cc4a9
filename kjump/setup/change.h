/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that setup can do to a system. Each says on setup->out what it changes, notes in the journal
 * how it was, and does it; with dry_run it only says so. Paths are without the root.
 */
#ifndef KJUMP_SETUP_CHANGE_H
#define KJUMP_SETUP_CHANGE_H

#include "kjump/setup/edit.h"
#include "kjump/setup/state.h"

/*
 * Put WORD into the file PATH by EDIT, and say so as WHAT. Without such a file one is made of BASE,
 * with its folder; ENOENT when that is NULL. Returns 1 when something changed, 0 when it was so.
 */
int change_text(struct setup *setup, const char *path, const struct edit *edit, const char *word,
		const char *base, const char *what, struct error *err);

/* A symbolic link at PATH to TARGET, unless something is there. As above. */
int change_link(struct setup *setup, const char *path, const char *target, struct error *err);

/*
 * Files that a program makes, whose full paths these take: kept before by the first, and looked at
 * by the second when they are made.
 */
int change_keep(struct setup *setup, const char *full, const char *maker, struct error *err);
int change_made(struct setup *setup, const char *full, struct error *err);

/* Say one change, that PATH (full, or NULL) gets. */
void change_say(struct setup *setup, const char *full, const char *what);

/*
 * Run the program ARGV[0], which is below the root. An error is told with the last line that it
 * said.
 */
int change_run(struct setup *setup, const char *const argv[], struct error *err);

/* The first of the PATHS, which end with NULL, that is there below the root; or NULL. */
const char *change_program(const struct setup *setup, const char *const paths[]);

#endif
