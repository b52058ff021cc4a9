/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/setup/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kjump/check/program.h"
#include "kjump/setup/place.h"

#define ARGUMENTS_MAX 8

void change_say(struct setup *setup, const char *full, const char *what)
{
	setup->changes++;
	if (full)
		fprintf(setup->out, "%s: ", full + strlen(setup->root));
	fprintf(setup->out, "%s\n", what);
}

static int note(struct setup *setup, const char *const fields[JOURNAL_FIELDS], struct error *err)
{
	return journal_note(&setup->journal, fields, err);
}

#define FIELDS(...) ((const char *const[JOURNAL_FIELDS]){ __VA_ARGS__ })

/* The folders that PATH lies in, below the root. */
static int make_folders(struct setup *setup, const char *path, struct error *err)
{
	char folder[SETUP_PATH];
	int ret = 0;

	snprintf(folder, sizeof(folder), "%s", path);
	for (char *slash = folder + strlen(setup->root) + 1; !ret && (slash = strchr(slash, '/'));
	     *slash++ = '/') {
		*slash = '\0';
		if (!access(folder, F_OK))
			continue;
		ret = note(setup, FIELDS(RECORD_FOLDER, folder), err);
		if (!ret && mkdir(folder, 0755))
			ret = error_errno(err, "%s", folder);
	}
	return ret;
}

static int write_text(struct setup *setup, const char *full, const struct edit *edit,
		      const char *word, const char *text, struct error *err)
{
	char copy[32], sum[PLACE_SUM];
	int ret = make_folders(setup, full, err);

	if (!ret)
		ret = journal_keep(&setup->journal, full, copy, err);
	if (ret)
		return ret;
	place_text_sum(text, sum);
	ret = note(setup, FIELDS(RECORD_TEXT, full, copy, sum, edit->name, word), err);
	return ret ? ret : place_text(full, text, err);
}

int change_text(struct setup *setup, const char *path, const struct edit *edit, const char *word,
		const char *base, const char *what, struct error *err)
{
	char full[SETUP_PATH], *old = NULL, *new = NULL;
	struct stat status;
	int ret;

	setup_path(setup, path, full);
	/* A link leads to what somebody keeps elsewhere; renaming would cut it. */
	if (!lstat(full, &status) && !S_ISREG(status.st_mode))
		return error_set(err, EINVAL, "%s: not a plain file", full);
	ret = place_read(full, &old, err);
	if (ret == -ENOENT && base) {
		old = strdup(base);
		ret = old ? 0 : error_set(err, ENOMEM, "out of memory");
	}
	if (ret)
		return ret;
	ret = edit->apply(old, word, true, &new, err);
	if (ret)
		error_prefix(err, "%s", full);
	else if (!strcmp(old, new))
		ret = 0;
	else {
		change_say(setup, full, what);
		if (!setup->dry_run)
			ret = write_text(setup, full, edit, word, new, err);
		ret = ret ? ret : 1;
	}
	free(old);
	free(new);
	return ret;
}

int change_link(struct setup *setup, const char *path, const char *target, struct error *err)
{
	char full[SETUP_PATH], what[SETUP_PATH + 16];
	struct stat status;
	int ret;

	if (!lstat(setup_path(setup, path, full), &status))
		return 0;
	snprintf(what, sizeof(what), "a link to %s", target);
	change_say(setup, full, what);
	if (setup->dry_run)
		return 1;
	ret = make_folders(setup, full, err);
	if (!ret)
		ret = note(setup, FIELDS(RECORD_LINK, full, target), err);
	if (!ret && symlink(target, full))
		ret = error_errno(err, "%s", full);
	return ret ? ret : 1;
}

int change_keep(struct setup *setup, const char *full, const char *maker, struct error *err)
{
	char copy[32];
	int ret = journal_keep(&setup->journal, full, copy, err);

	return ret ? ret : note(setup, FIELDS(RECORD_MADE, full, copy, maker), err);
}

int change_made(struct setup *setup, const char *full, struct error *err)
{
	char sum[PLACE_SUM];

	place_sum(full, sum);
	return note(setup, FIELDS(RECORD_SUM, full, sum), err);
}

/* The last line of FILE that has something in it. */
static void last_line(FILE *file, char *ret, size_t size)
{
	char line[512];

	*ret = '\0';
	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[strspn(line, " \t")])
			snprintf(ret, size, "%.150s", line);
	}
}

int change_run(struct setup *setup, const char *const argv[], struct error *err)
{
	char program[SETUP_PATH], said[160];
	char *arguments[ARGUMENTS_MAX + 1] = { setup_path(setup, argv[0], program) };
	FILE *output = tmpfile();
	int ret;

	if (!output)
		return error_errno(err, "temporary file");
	for (int i = 1; i < ARGUMENTS_MAX && argv[i]; i++)
		arguments[i] = (char *)argv[i];
	ret = program_run(arguments, fileno(output), !setup->undoing);
	last_line(output, said, sizeof(said));
	fclose(output);
	if (ret == -ECANCELED)
		return error_set(err, ECANCELED, "stopped");
	if (ret < 0)
		return error_set(err, -ret, "%s: %s", argv[0], strerror(-ret));
	if (ret)
		return error_set(err, EIO, "%s failed with %d%s%s", argv[0], ret, *said ? ": " : "",
				 said);
	return 0;
}

const char *change_program(const struct setup *setup, const char *const paths[])
{
	for (; *paths; paths++)
		if (setup_has(setup, *paths))
			return *paths;
	return NULL;
}
