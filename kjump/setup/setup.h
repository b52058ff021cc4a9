/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Setting a system up for kjump, and taking that back. Steps look at what is there and call what is
 * in change.h, which alone changes anything: it says each change, notes it, and makes it, or only
 * says it. What is as it should be is left alone, so a second run changes nothing.
 */
#ifndef KJUMP_SETUP_SETUP_H
#define KJUMP_SETUP_SETUP_H

#include <stddef.h>
#include <stdio.h>

#include "common/error.h"
#include "kjump/setup/state.h"

/* One after the other; 0, or a negative errno value, after which all is to be rolled back. */
struct setup_step {
	const char *name;
	int (*run)(struct setup *setup, struct error *err);
};

extern const struct setup_step setup_steps[]; /* ends with a NULL name */

/*
 * Set up for the device that is named SPEC ("UUID=..."): all steps, or none when one fails, and
 * then nothing either that the journal has from setup->start on. The journal is open. Returns 0, or
 * a negative errno value with what happened now in the text; ECANCELED when a signal waits that
 * signals_hold() holds back.
 */
int setup_run(struct setup *setup, const char *spec, struct error *err);

/* Undo this run after ERR, whose text says then what became of it. Returns -err->code. */
int setup_roll_back(struct setup *setup, struct error *err);

/*
 * Take back what the journal has from record number FROM on, the last first. What somebody changed
 * since is not put back but has the word taken out, which is said. The journal keeps nothing of it,
 * unless something failed.
 */
int setup_undo(struct setup *setup, size_t from, struct error *err);

/* target.c: claim PATH unless it is claimed; *SPEC is how it is named then. */
int setup_claim(struct setup *setup, const char *path, const char *label, char spec[128],
		struct error *err);

/*
 * The same for the file PATH of SIZE bytes (0 = as many as setup_room() finds), which is made
 * unless it is claimed already.
 */
int setup_claim_file(struct setup *setup, const char *path, uint64_t size, const char *label,
		     char spec[128], struct error *err);

/*
 * room.c: could a file be made as PATH? ENOTSUP, and why, when its bytes would have no places that
 * stay; ENOSPC. *SIZE is how large it should be, unless it is given.
 */
int setup_room(const char *path, uint64_t *size, struct error *err);

/* Files that could be made, one line each on OUT. Returns how many. */
size_t setup_rooms(FILE *out);

/* What could hold images, one line each on OUT. Returns how many; the path of the first. */
size_t setup_candidates(FILE *out, char path[256]);

/* The steps, by file. */
int setup_configuration(struct setup *setup, struct error *err); /* steps.c */
int setup_writer(struct setup *setup, struct error *err);
int setup_hook(struct setup *setup, struct error *err);
int setup_unit(struct setup *setup, struct error *err);
int setup_kernel_cmdline(struct setup *setup, struct error *err); /* entries.c */
int setup_entries(struct setup *setup, struct error *err);
int setup_grub(struct setup *setup, struct error *err);	  /* grub.c */
int setup_images(struct setup *setup, struct error *err); /* generate.c */

#endif
