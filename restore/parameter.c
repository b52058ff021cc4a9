/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel parameters for the hooks. */
#include "restore/parameter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/cmdline.h"

/* Blank out the lines of TEXT that begin with #. */
static void drop_comments(char *text)
{
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (*line == '#')
			memset(line, ' ', strcspn(line, "\n"));
	}
}

/*
 * All of a file, for free(), up to a NUL, which no text has; NULL when there is nothing in it or it
 * cannot be read.
 */
static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t capacity = 0;
	int code = 0;

	if (!file) {
		code = errno;
	} else {
		if (getdelim(&text, &capacity, '\0', file) < 0) {
			code = feof(file) ? ENOENT : errno;
			free(text);
			text = NULL;
		}
		fclose(file);
	}
	if (code && code != ENOENT)
		message("%s: %s; its kernel parameters do not count", path, strerror(code));
	return text;
}

/* Each file by itself: a quote that is not closed ends with it. *VALUE is replaced when it is in
 * it. */
static void parameter_in(const char *path, const char *name, char **value)
{
	char *text = read_text(path);
	size_t size = text ? strlen(text) + 1 : 0;
	char *found = text ? malloc(size) : NULL;

	if (found) {
		drop_comments(text);
		if (cmdline_parameter(text, name, found, size)) {
			free(*value);
			*value = found;
			found = NULL;
		}
	}
	free(found);
	free(text);
}

enum exit_code parameter_print(const char *name, char *const *files, int count)
{
	enum exit_code code = EXIT_FAILED;
	char *value = NULL;

	if (!count)
		parameter_in("/proc/cmdline", name, &value);
	for (int i = 0; i < count; i++)
		parameter_in(files[i], name, &value);
	if (value && puts(value) >= 0)
		code = EXIT_DONE;
	free(value);
	return code;
}
