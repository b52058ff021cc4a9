/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/check/mkinitcpio.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kjump/paths.h"
#include "text/files.h"

#define FILE_MAX  65536
#define PATH_SIZE 1024

#define HOOK "kjump"

/* One word, up to a blank outside of quotes, END or a comment; without quotes. */
static const char *take_word(const char *at, char end, char *word, size_t size)
{
	char quote = '\0';
	size_t length = 0;

	for (; *at && (quote || (!strchr(" \t\n", *at) && *at != end)); at++) {
		if (*at == quote)
			quote = '\0';
		else if (!quote && (*at == '"' || *at == '\''))
			quote = *at;
		else if (length < size - 1)
			word[length++] = *at;
	}
	word[length] = '\0';
	return at;
}

/* The words of "(...)", or of one word in quotes, as older versions had it. */
static const char *take_value(const char *at, enum hooks *hooks)
{
	bool array = *at == '(';
	char word[256];

	at += array;
	while (*at && *at != (array ? ')' : '\n')) {
		if (*at == '#')
			at += strcspn(at, "\n");
		else if (strchr(" \t\n", *at))
			at++;
		else {
			at = take_word(at, array ? ')' : '\n', word, sizeof(word));
			/* Blanks in quotes: of the one word the hooks, in an array a mistake. */
			for (char *rest = word, *name; (name = strsep(&rest, " \t\n"));)
				if (!strcmp(name, HOOK))
					*hooks = HOOKS_WITH;
			if (strpbrk(word, "$`") && *hooks == HOOKS_WITHOUT)
				*hooks = HOOKS_UNKNOWN;
		}
	}
	return *at ? at + 1 : at;
}

enum hooks hooks_after(enum hooks before, const char *text)
{
	enum hooks hooks = before;

	while (*text) {
		size_t line = strcspn(text, "\n");
		const char *at = text + strspn(text, " \t"), *found;

		if (!strncmp(at, "HOOKS=", 6)) {
			hooks = HOOKS_WITHOUT;
			text = take_value(at + 6, &hooks);
			continue;
		}
		if (!strncmp(at, "HOOKS+=", 7)) {
			text = take_value(at + 7, &hooks);
			continue;
		}
		/* What else is done to it takes a shell. */
		found = *at == '#' ? NULL : strstr(at, "HOOKS");
		if (found && found < text + line)
			hooks = HOOKS_UNKNOWN;
		text += line + (text[line] == '\n');
	}
	return hooks;
}

static enum hooks read_file(enum hooks before, const char *path, char *text)
{
	return file_read_start(path, text, FILE_MAX) > 0 ? hooks_after(before, text) : before;
}

static int is_conf(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && end && !strcmp(end, ".conf");
}

enum hooks hooks_configured(const char *root)
{
	enum hooks hooks = HOOKS_UNKNOWN;
	char path[PATH_SIZE], *text = malloc(FILE_MAX);
	struct dirent **entries = NULL;
	int count;

	if (!text)
		return HOOKS_UNKNOWN;
	snprintf(path, sizeof(path), "%s" PATH_MKINITCPIO, root);
	hooks = read_file(hooks, path, text);
	snprintf(path, sizeof(path), "%s" PATH_MKINITCPIO ".d", root);
	count = scandir(path, &entries, is_conf, alphasort);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s" PATH_MKINITCPIO ".d/%s", root,
			 entries[i]->d_name);
		hooks = read_file(hooks, path, text);
		free(entries[i]);
	}
	free(entries);
	free(text);
	return hooks;
}
