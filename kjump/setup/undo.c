/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes back what the journal has. Each part of it may have been taken back before a crash. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/disk.h"
#include "image/filemap.h"
#include "image/image.h"
#include "kjump/file/make.h"
#include "kjump/setup/back.h"
#include "kjump/setup/place.h"
#include "kjump/setup/remake.h"
#include "kjump/setup/setup.h"
#include "text/human.h"

#define MAKERS_MAX 4

struct undoing {
	struct setup *setup;
	const char *makers[MAKERS_MAX]; /* what has to be made anew */
	size_t maker_count;
};

static bool is(const struct record *record, const char *kind)
{
	return !strcmp(record->field[0], kind);
}

/* The sum of what was made of RECORD's file after it; NULL when nobody came so far. */
static const char *sum_behind(const struct journal *journal, const struct record *record)
{
	for (const struct record *next = record + 1; next < journal->records + journal->count;
	     next++) {
		if (strcmp(next->field[1], record->field[1]))
			continue;
		if (is(next, RECORD_SUM))
			return next->field[2];
		if (is(next, RECORD_MADE))
			return NULL;
	}
	return NULL;
}

static void make_later(struct undoing *undoing, const char *maker)
{
	for (size_t i = 0; i < undoing->maker_count; i++)
		if (!strcmp(undoing->makers[i], maker))
			return;
	if (undoing->maker_count < MAKERS_MAX)
		undoing->makers[undoing->maker_count++] = maker;
}

static int undo_made(struct undoing *undoing, const struct record *record, struct error *err)
{
	const char *sum = sum_behind(&undoing->setup->journal, record), *path = record->field[1];
	char now[PLACE_SUM];

	place_forget(path);
	place_sum(path, now);
	if (back_is(undoing->setup, record, now))
		return 0;
	if (!sum || !strcmp(now, sum))
		return back_put(undoing->setup, record, err);
	/* Made anew since, or gone with its kernel: what was kept would be too old. */
	if (*now)
		make_later(undoing, record->field[3]);
	return 0;
}

static int undo_link(struct undoing *undoing, const struct record *record, struct error *err)
{
	char target[SETUP_PATH];
	ssize_t length = readlink(record->field[1], target, sizeof(target) - 1);

	if (length < 0)
		return 0;
	target[length] = '\0';
	if (strcmp(target, record->field[2])) {
		back_say(undoing->setup, record->field[1], "leads elsewhere since, left as it is");
		return 0;
	}
	if (unlink(record->field[1]))
		return error_errno(err, "%s", record->field[1]);
	back_say(undoing->setup, record->field[1], "removed");
	return 0;
}

/* It was blank when it was claimed, so its first MiB was zero, which holds both superblocks. */
static int wipe(const struct disk *disk, struct error *err)
{
	void *zeros = disk_buffer(IMAGE_DATA_START);
	int ret;

	if (!zeros)
		return error_set(err, ENOMEM, "out of memory");
	ret = disk_write(disk, zeros, IMAGE_DATA_START, 0, err);
	free(zeros);
	return ret ? ret : disk_flush(disk, err);
}

/* Did RECORD's claim give the device this UUID? Noted before the claim it has none. */
static bool is_claim_of(const struct undoing *undoing, const struct record *record,
			const char *uuid)
{
	const struct journal *journal = &undoing->setup->journal;
	const struct record *next = record + 1;

	if (*record->field[2])
		return !strcmp(record->field[2], uuid);
	return next == journal->records + journal->count || !is(next, record->field[0]);
}

/* Nothing but what setup made is removed: an image is kept, and what somebody claimed anew since.
 */
static int undo_file(struct undoing *undoing, const struct record *record, struct error *err)
{
	const char *path = record->field[1];
	struct image_super super;
	struct error unread = { 0 };
	char uuid[37], found[256];
	struct disk disk;
	bool ours;
	int ret = claimed_find(path, found, sizeof(found), err);

	if (ret < 0 || access(path, F_OK))
		return ret < 0 ? ret : 0;
	/* Not claimed to the end: made by a setup that did not come so far. */
	ours = !ret && !*record->field[2] && is_claim_of(undoing, record, "");
	if (ret) {
		ret = filemap_open(path, DISK_READ, &disk, err);
		if (ret)
			return ret;
		if (image_super_read(&disk, &super, &unread))
			ours = !*record->field[2] && is_claim_of(undoing, record, "");
		else
			ours = is_claim_of(undoing, record, human_uuid(super.device_uuid, uuid));
		disk_close(&disk);
		if (ours && !unread.code && super.state != IMAGE_EMPTY) {
			fprintf(undoing->setup->out, "%s: stays, as it holds an image\n", path);
			return 0;
		}
	}
	if (!ours)
		return 0;
	ret = file_remove(path, err);
	if (!ret)
		fprintf(undoing->setup->out, "%s: removed\n", path);
	return ret;
}

static int undo_claim(struct undoing *undoing, const struct record *record, struct error *err)
{
	const char *path = record->field[1];
	struct image_super super;
	struct error ignored = { 0 };
	struct disk disk;
	char uuid[37];
	int ret = disk_open(path, DISK_WRITE, &disk, err);

	if (ret == -ENOENT) {
		fprintf(undoing->setup->out, "%s: not there any more\n", path);
		return 0;
	}
	if (ret)
		return ret;
	if (image_super_read(&disk, &super, &ignored) ||
	    !is_claim_of(undoing, record, human_uuid(super.device_uuid, uuid)))
		ret = 0;
	else if (super.state != IMAGE_EMPTY)
		fprintf(undoing->setup->out, "%s: stays claimed, as it holds an image\n", path);
	else {
		ret = wipe(&disk, err);
		if (ret)
			error_prefix(err, "%s", path);
		else
			fprintf(undoing->setup->out, "%s: not claimed any more\n", path);
	}
	disk_close(&disk);
	return ret;
}

static int undo_record(struct undoing *undoing, const struct record *record, struct error *err)
{
	if (is(record, RECORD_TEXT))
		return back_text(undoing->setup, record, err);
	if (is(record, RECORD_MADE))
		return undo_made(undoing, record, err);
	if (is(record, RECORD_LINK))
		return undo_link(undoing, record, err);
	if (is(record, RECORD_CLAIM))
		return undo_claim(undoing, record, err);
	if (is(record, RECORD_FILE))
		return undo_file(undoing, record, err);
	if (is(record, RECORD_FOLDER))
		rmdir(record->field[1]);
	else if (!is(record, RECORD_SUM))
		return error_set(err, EINVAL, "%s: a change of another version of kjump",
				 record->field[0]);
	return 0;
}

/* The parameter that RECORD put somewhere, and none behind it did; or NULL. */
static const char *parameter_of(const struct journal *journal, const struct record *record)
{
	const char *word = record->field[5];

	if (!is(record, RECORD_TEXT) || strncmp(word, PARAMETER "=", strlen(PARAMETER "=")))
		return NULL;
	for (const struct record *next = record + 1; next < journal->records + journal->count;
	     next++)
		if (is(next, RECORD_TEXT) && !strcmp(next->field[5], word))
			return NULL;
	return word;
}

/* What others made since of what setup had changed has the parameter as well. */
static int undo_others(struct undoing *undoing, const struct record *record, struct error *err)
{
	const char *word = parameter_of(&undoing->setup->journal, record);

	if (!word)
		return 0;
	if (images_have(undoing->setup, word))
		make_later(undoing, MAKER_IMAGES);
	return entries_drop(undoing->setup, word, err);
}

/* What failed is said: somebody has to do it by hand. */
static void failed(struct setup *setup, const struct error *why, struct error *first)
{
	setup_todo(setup, "%s", why->text);
	if (!first->code)
		*first = *why;
}

int setup_undo(struct setup *setup, size_t from, struct error *err)
{
	struct undoing undoing = { .setup = setup };
	struct error first = { 0 }, why;
	int ret = journal_lock(&setup->journal, err);

	if (ret)
		return ret;
	setup->undoing = true;
	/* One that fails does not keep the others. */
	for (size_t i = setup->journal.count; i-- > from;)
		if (undo_record(&undoing, &setup->journal.records[i], &why))
			failed(setup, &why, &first);
	for (size_t i = setup->journal.count; !from && i-- > 0;)
		if (undo_others(&undoing, &setup->journal.records[i], &why))
			failed(setup, &why, &first);
	for (size_t i = 0; i < undoing.maker_count; i++) {
		fprintf(setup->out, "%s: made anew\n", undoing.makers[i]);
		if (setup_remake(setup, undoing.makers[i], &why))
			failed(setup, &why, &first);
	}
	if (first.code) {
		*err = first;
		return -first.code;
	}
	return journal_cut(&setup->journal, from, err);
}
