/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What setup changed, noted before each change, so that it can be taken back whatever happens in
 * between: ROOT/var/lib/kjump/setup/journal, one line each, and copies of what was there before.
 */
#ifndef KJUMP_SETUP_JOURNAL_H
#define KJUMP_SETUP_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define JOURNAL_FOLDER "/var/lib/kjump/setup"
#define JOURNAL_FIELDS 6
#define JOURNAL_PATH   512

/* Fields are words of the file in which no tab and no newline is; unused ones are "". */
struct record {
	char *line;
	const char *field[JOURNAL_FIELDS];
};

/* The fields of a record by its kind, which is field 0. */
#define RECORD_TEXT   "text"   /* file, copy ("-": there was none), sum, edit, word */
#define RECORD_MADE   "made"   /* file, copy, who made it */
#define RECORD_SUM    "sum"    /* file, sum of what was made: of the last "made" of this file */
#define RECORD_LINK   "link"   /* link, where to */
#define RECORD_FOLDER "folder" /* folder */
#define RECORD_CLAIM  "claim"  /* device, UUID= */
#define RECORD_FILE   "file"   /* file that was made for images, UUID= of the claim */

struct journal {
	char folder[JOURNAL_PATH];
	int fd; /* -1 until something is noted */
	struct record *records;
	size_t count;
};

/* Read the journal below ROOT; none is an empty one. journal_close() ends it in any case. */
int journal_open(struct journal *journal, const char *root, struct error *err);
void journal_close(struct journal *journal);

/*
 * Before anything is changed or taken back: keep others from both, and read what they have noted
 * meanwhile. EBUSY when another process is at it. Done once, the next call does nothing.
 */
int journal_lock(struct journal *journal, struct error *err);

/* Note a change that is made next. */
int journal_note(struct journal *journal, const char *const fields[JOURNAL_FIELDS],
		 struct error *err);

/*
 * Copy the file PATH, with mode, owner and time, into the folder of the journal. *NAME is that of
 * the copy, "-" when there is no such file.
 */
int journal_keep(struct journal *journal, const char *path, char name[32], struct error *err);

/* The path of a copy. */
void journal_copy(const struct journal *journal, const char *name, char path[JOURNAL_PATH]);

/* Forget all records from number COUNT on, and their copies; with none left, the folder as well. */
int journal_cut(struct journal *journal, size_t count, struct error *err);

#endif
