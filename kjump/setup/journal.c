/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/setup/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kjump/setup/place.h"

#define NAME "journal"
#define NONE "-"

void journal_copy(const struct journal *journal, const char *name, char path[JOURNAL_PATH])
{
	snprintf(path, JOURNAL_PATH, "%.400s/%.60s", journal->folder, name);
}

/* Take a line over. Its tabs become ends of fields. */
static int take(struct journal *journal, char *line, struct error *err)
{
	struct record *records =
		realloc(journal->records, (journal->count + 1) * sizeof(*journal->records));
	struct record *record;
	char *rest = line;

	if (!records) {
		free(line);
		return error_set(err, ENOMEM, "out of memory");
	}
	journal->records = records;
	record = &records[journal->count++];
	*record = (struct record){ .line = line };
	for (int i = 0; i < JOURNAL_FIELDS; i++) {
		char *field = strsep(&rest, "\t");

		record->field[i] = field ? field : "";
	}
	return 0;
}

static void forget(struct journal *journal)
{
	for (size_t i = 0; i < journal->count; i++)
		free(journal->records[i].line);
	free(journal->records);
	journal->records = NULL;
	journal->count = 0;
}

static int read_records(struct journal *journal, struct error *err)
{
	char path[JOURNAL_PATH], *line = NULL;
	size_t room = 0;
	ssize_t length;
	FILE *file;
	int ret = 0;

	forget(journal);
	journal_copy(journal, NAME, path);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? 0 : error_errno(err, "%s", path);
	while (!ret && (length = getline(&line, &room, file)) > 0) {
		/* A line without an end was cut off, and its change never begun. */
		if (line[length - 1] != '\n')
			break;
		line[length - 1] = '\0';
		ret = take(journal, line, err);
		line = NULL;
		room = 0;
	}
	free(line);
	fclose(file);
	return ret;
}

int journal_open(struct journal *journal, const char *root, struct error *err)
{
	*journal = (struct journal){ .fd = -1 };
	snprintf(journal->folder, sizeof(journal->folder), "%.300s" JOURNAL_FOLDER, root);
	return read_records(journal, err);
}

/* Bytes of the records that are whole. */
static off_t size_of(const struct journal *journal, size_t count)
{
	off_t size = 0;

	for (size_t i = 0; i < count; i++) {
		for (int k = 0; k < JOURNAL_FIELDS; k++)
			size += (off_t)strlen(journal->records[i].field[k]) + 1;
	}
	return size;
}

static int make_folder(const struct journal *journal, struct error *err)
{
	char path[JOURNAL_PATH];

	snprintf(path, sizeof(path), "%s", journal->folder);
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return error_errno(err, "%s", path);
		*slash = '/';
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		return error_errno(err, "%s", path);
	return 0;
}

/* Lock what was opened, unless somebody has it, or has removed it meanwhile. */
static int lock(const struct journal *journal, const char *path, struct error *err)
{
	struct stat status;

	if (flock(journal->fd, LOCK_EX | LOCK_NB) || fstat(journal->fd, &status) ||
	    !status.st_nlink)
		return error_set(err, EBUSY, "%s: another kjump is at work", path);
	return 0;
}

/* Go behind the last record that is whole. */
static int go_behind(const struct journal *journal, const char *path, struct error *err)
{
	const off_t size = size_of(journal, journal->count);
	struct stat status;

	/* One of the same size would get another time. */
	if (fstat(journal->fd, &status) ||
	    (status.st_size != size && ftruncate(journal->fd, size)) ||
	    lseek(journal->fd, 0, SEEK_END) < 0)
		return error_errno(err, "%s", path);
	return place_sync_folder(path, err);
}

int journal_lock(struct journal *journal, struct error *err)
{
	char path[JOURNAL_PATH];
	int ret;

	if (journal->fd >= 0)
		return 0;
	ret = make_folder(journal, err);
	if (ret)
		return ret;
	journal_copy(journal, NAME, path);
	journal->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (journal->fd < 0)
		return error_errno(err, "%s", path);
	ret = lock(journal, path, err);
	if (!ret)
		ret = read_records(journal, err);
	if (!ret)
		ret = go_behind(journal, path, err);
	if (ret) {
		close(journal->fd);
		journal->fd = -1;
	}
	return ret;
}

static const char *or_none(const char *field)
{
	return field ? field : "";
}

int journal_note(struct journal *journal, const char *const fields[JOURNAL_FIELDS],
		 struct error *err)
{
	char *line = NULL;
	int ret = journal_lock(journal, err);

	if (ret)
		return ret;
	for (int i = 0; i < JOURNAL_FIELDS; i++)
		if (fields[i] && strpbrk(fields[i], "\t\n"))
			return error_set(err, EINVAL, "%s: a name that cannot be noted", fields[i]);
	if (asprintf(&line, "%s\t%s\t%s\t%s\t%s\t%s\n", fields[0], or_none(fields[1]),
		     or_none(fields[2]), or_none(fields[3]), or_none(fields[4]),
		     or_none(fields[5])) < 0)
		return error_set(err, ENOMEM, "out of memory");
	if (place_write(journal->fd, line, strlen(line)) || fsync(journal->fd)) {
		ret = error_errno(err, "%s/" NAME, journal->folder);
		free(line);
		return ret;
	}
	line[strlen(line) - 1] = '\0';
	return take(journal, line, err);
}

int journal_keep(struct journal *journal, const char *path, char name[32], struct error *err)
{
	char copy[JOURNAL_PATH];
	struct stat status;
	int ret;

	if (lstat(path, &status)) {
		strcpy(name, NONE);
		return errno == ENOENT ? 0 : error_errno(err, "%s", path);
	}
	if (!S_ISREG(status.st_mode))
		return error_set(err, EINVAL, "%s: not a plain file", path);
	ret = journal_lock(journal, err);
	if (ret)
		return ret;
	snprintf(name, 32, "%zu", journal->count);
	journal_copy(journal, name, copy);
	return place_copy(path, copy, err);
}

/*
 * All of the folder: a crash may have left copies that no record has. The journal goes last: until
 * then its lock keeps others out.
 */
static void remove_folder(struct journal *journal)
{
	DIR *folder = opendir(journal->folder);
	char path[JOURNAL_PATH];
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, NAME))
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	journal_copy(journal, NAME, path);
	unlink(path);
	close(journal->fd);
	journal->fd = -1;
	rmdir(journal->folder);
	snprintf(path, sizeof(path), "%s", journal->folder);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

void journal_close(struct journal *journal)
{
	/* Nothing came to be noted. */
	if (journal->fd >= 0 && !journal->count)
		remove_folder(journal);
	if (journal->fd >= 0)
		close(journal->fd);
	forget(journal);
	*journal = (struct journal){ .fd = -1 };
}

int journal_cut(struct journal *journal, size_t count, struct error *err)
{
	char path[JOURNAL_PATH];

	if (journal->fd < 0)
		return 0;
	if (ftruncate(journal->fd, size_of(journal, count)) ||
	    lseek(journal->fd, 0, SEEK_END) < 0 || fsync(journal->fd))
		return error_errno(err, "%s/" NAME, journal->folder);
	while (journal->count > count) {
		struct record *record = &journal->records[--journal->count];

		/* Of the kinds that have one; others have no number there. */
		if (!strcmp(record->field[0], RECORD_TEXT) ||
		    !strcmp(record->field[0], RECORD_MADE)) {
			journal_copy(journal, record->field[2], path);
			unlink(path);
		}
		free(record->line);
	}
	if (!count)
		remove_folder(journal);
	return 0;
}
