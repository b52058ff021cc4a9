/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/setup/back.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kjump/setup/edit.h"
#include "kjump/setup/place.h"

#define NONE "-"

void back_say(const struct setup *setup, const char *path, const char *what)
{
	fprintf(setup->out, "%s: %s\n", path + strlen(setup->root), what);
}

static bool had_none(const struct record *record)
{
	return !strcmp(record->field[2], NONE);
}

int back_put(const struct setup *setup, const struct record *record, struct error *err)
{
	const char *path = record->field[1];
	char copy[JOURNAL_PATH];
	int ret;

	if (had_none(record)) {
		ret = unlink(path) && errno != ENOENT ? error_errno(err, "%s", path)
						      : place_sync_folder(path, err);
		if (!ret)
			back_say(setup, path, "removed");
		return ret;
	}
	journal_copy(&setup->journal, record->field[2], copy);
	ret = place_copy(copy, path, err);
	if (!ret)
		back_say(setup, path, "as it was");
	return ret;
}

bool back_is(const struct setup *setup, const struct record *record, const char *now)
{
	char copy[JOURNAL_PATH], before[PLACE_SUM];

	if (had_none(record))
		return access(record->field[1], F_OK) != 0;
	journal_copy(&setup->journal, record->field[2], copy);
	place_sum(copy, before);
	return *now && !strcmp(now, before);
}

/* What RECORD's word replaced, which the caller frees; NULL when it was added. */
static char *replaced(const struct setup *setup, const struct record *record,
		      const struct edit *edit)
{
	struct error ignored = { 0 };
	struct stretch found;
	char copy[JOURNAL_PATH], *text, *ret;

	if (!edit->find || had_none(record))
		return NULL;
	journal_copy(&setup->journal, record->field[2], copy);
	if (place_read(copy, &text, &ignored))
		return NULL;
	found = edit->find(text, record->field[5]);
	ret = found.start && found.length ? strndup(found.start, found.length) : NULL;
	free(text);
	return ret;
}

/* TEXT without RECORD's word, or with what that had replaced. */
static int without(const struct setup *setup, const struct record *record, const struct edit *edit,
		   const char *text, char **ret, struct error *err)
{
	const char *word = record->field[5];
	char *before = edit->find && stretch_is(edit->find(text, word), word)
			       ? replaced(setup, record, edit)
			       : NULL;
	int status = edit->apply(text, before ? before : word, before != NULL, ret, err);

	free(before);
	return status;
}

/* What setup made as a whole is out of the way by that, and what somebody wrote into it is kept. */
static int set_aside(const struct setup *setup, const char *path, struct error *err)
{
	char aside[PLACE_SIZE + sizeof(BACK_SUFFIX)], what[PLACE_SIZE + 64];

	snprintf(aside, sizeof(aside), "%s" BACK_SUFFIX, path);
	if (rename(path, aside))
		return error_errno(err, "%s", aside);
	snprintf(what, sizeof(what), "edited since, kept as %s", aside + strlen(setup->root));
	back_say(setup, path, what);
	return place_sync_folder(path, err);
}

/* Somebody edited the file since: the word alone goes, all else is theirs. */
static int take_out(const struct setup *setup, const struct record *record, struct error *err)
{
	const struct edit *edit = edit_find(record->field[4]);
	const char *path = record->field[1];
	char *old = NULL, *new = NULL;
	int ret;

	if (!edit || access(path, F_OK)) {
		back_say(setup, path, "was removed since");
		return 0;
	}
	ret = place_read(path, &old, err);
	if (!ret && without(setup, record, edit, old, &new, err))
		ret = had_none(record) ? set_aside(setup, path, err) : -err->code;
	else if (!ret && !strcmp(old, new))
		back_say(setup, path, "edited since, left as it is");
	else if (!ret) {
		ret = place_text(path, new, err);
		if (!ret)
			back_say(setup, path, "edited since; what setup had put in is out of it");
	}
	free(old);
	free(new);
	return ret;
}

int back_text(const struct setup *setup, const struct record *record, struct error *err)
{
	const char *path = record->field[1];
	char now[PLACE_SUM];
	bool edited;
	int ret;

	place_forget(path);
	place_sum(path, now);
	if (back_is(setup, record, now))
		return 0;
	edited = strcmp(now, record->field[3]) != 0;
	ret = (edited ? take_out : back_put)(setup, record, err);
	if (!ret)
		return 0;
	return error_prefix(err, "%s: %s%s is still in it, take it out by hand", path,
			    edited ? "edited since, " : "", record->field[5]);
}
