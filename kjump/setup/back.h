/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files as they were before setup, for undo.c; and what setup put into those that somebody edited
 * since, taken out.
 */
#ifndef KJUMP_SETUP_BACK_H
#define KJUMP_SETUP_BACK_H

#include "common/error.h"
#include "kjump/setup/journal.h"
#include "kjump/setup/state.h"

/* Behind the name of a file of setup's own that somebody edited so that nothing can be taken out.
 */
#define BACK_SUFFIX ".kjump-saved"

/* Say what became of PATH. */
void back_say(const struct setup *setup, const char *path, const char *what);

/* Is RECORD's file, of which NOW is the sum, as it was before, or never changed? */
bool back_is(const struct setup *setup, const struct record *record, const char *now);

/* Put the copy of RECORD back where its file is, or take away what had none. */
int back_put(const struct setup *setup, const struct record *record, struct error *err);

/* A "text" of the journal. */
int back_text(const struct setup *setup, const struct record *record, struct error *err);

#endif
