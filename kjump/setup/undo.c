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
#include "kjump/setup/change.h"
#include "kjump/setup/place.h"
#include "kjump/setup/remake.h"
#include "kjump/setup/setup.h"
#include "text/human.h"

#define NONE	   "-"
#define MAKERS_MAX 4

struct undoing {
	struct setup *setup;
	const char *makers[MAKERS_MAX]; /* what has to be made anew */
	size_t maker_count;
};

/* Say what became of PATH. */
static void say(const struct undoing *undoing, const char *path, const char *what)
{
	fprintf(undoing->setup->out, "%s: %s\n", path + strlen(undoing->setup->root), what);
}

static bool is(const struct record *record, const char *kind)
{
	return !strcmp(record->field[0], kind);
}

/* Put the copy of RECORD back where its file is, or take away what had none. */
static int put_back(struct undoing *undoing, const struct record *record, struct error *err)
{
	const char *path = record->field[1];
	char copy[JOURNAL_PATH];
	int ret;

	if (!strcmp(record->field[2], NONE)) {
		ret = unlink(path) && errno != ENOENT ? error_errno(err, "%s", path)
						      : place_sync_folder(path, err);
		if (!ret)
			say(undoing, path, "removed");
		return ret;
	}
	journal_copy(&undoing->setup->journal, record->field[2], copy);
	ret = place_copy(copy, path, err);
	if (!ret)
		say(undoing, path, "as it was");
	return ret;
}

/* Is the file as it was before, or never changed? */
static bool is_back(const struct undoing *undoing, const struct record *record, const char *now)
{
	char copy[JOURNAL_PATH], before[PLACE_SUM];

	if (!strcmp(record->field[2], NONE))
		return access(record->field[1], F_OK) != 0;
	journal_copy(&undoing->setup->journal, record->field[2], copy);
	place_sum(copy, before);
	return *now && !strcmp(now, before);
}

/* Somebody edited the file since: the word alone goes, all else is theirs. */
static int take_out(struct undoing *undoing, const struct record *record, struct error *err)
{
	const struct edit *edit = edit_find(record->field[4]);
	const char *path = record->field[1], *word = record->field[5];
	char *old = NULL, *new = NULL;
	int ret;

	if (!edit || access(path, F_OK)) {
		say(undoing, path, "was removed since");
		return 0;
	}
	ret = place_read(path, &old, err);
	if (!ret) {
		ret = edit->apply(old, word, false, &new, err);
		if (ret)
			error_prefix(err, "%s: edited since, %s is still in it", path, word);
	}
	if (!ret && !strcmp(old, new))
		say(undoing, path, "edited since, left as it is");
	else if (!ret) {
		ret = place_text(path, new, err);
		if (!ret)
			say(undoing, path, "edited since; what setup had put in is out of it");
	}
	free(old);
	free(new);
	return ret;
}

static int undo_text(struct undoing *undoing, const struct record *record, struct error *err)
{
	char now[PLACE_SUM];

	place_forget(record->field[1]);
	place_sum(record->field[1], now);
	if (is_back(undoing, record, now))
		return 0;
	return strcmp(now, record->field[3]) ? take_out(undoing, record, err)
					     : put_back(undoing, record, err);
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

static int undo_made(struct undoing *undoing, const struct record *record, struct error *err)
{
	const char *sum = sum_behind(&undoing->setup->journal, record), *path = record->field[1];
	char now[PLACE_SUM];

	place_forget(path);
	place_sum(path, now);
	if (is_back(undoing, record, now))
		return 0;
	if (!sum || !strcmp(now, sum))
		return put_back(undoing, record, err);
	/* Made anew since, or gone with its kernel: what was kept would be too old. */
	for (size_t i = 0; i < undoing->maker_count; i++)
		if (!strcmp(undoing->makers[i], record->field[3]))
			return 0;
	if (*now && undoing->maker_count < MAKERS_MAX)
		undoing->makers[undoing->maker_count++] = record->field[3];
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
		say(undoing, record->field[1], "leads elsewhere since, left as it is");
		return 0;
	}
	if (unlink(record->field[1]))
		return error_errno(err, "%s", record->field[1]);
	say(undoing, record->field[1], "removed");
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
		return undo_text(undoing, record, err);
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

int setup_undo(struct setup *setup, size_t from, struct error *err)
{
	struct undoing undoing = { .setup = setup };
	struct error first = { 0 };
	int ret = journal_lock(&setup->journal, err);

	if (ret)
		return ret;
	setup->undoing = true;
	/* One that fails does not keep the others. */
	for (size_t i = setup->journal.count; i-- > from;) {
		struct error why = { 0 };

		if (undo_record(&undoing, &setup->journal.records[i], &why) && !first.code)
			first = why;
	}
	for (size_t i = 0; i < undoing.maker_count; i++) {
		struct error why = { 0 };

		fprintf(setup->out, "%s: made anew\n", undoing.makers[i]);
		if (setup_remake(setup, undoing.makers[i], &why) && !first.code)
			first = why;
	}
	if (first.code) {
		*err = first;
		return -first.code;
	}
	return journal_cut(&setup->journal, from, err);
}
