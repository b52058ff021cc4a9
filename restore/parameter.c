/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel parameters for the hooks. */
#include "restore/parameter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "text/cmdline.h"
#include "text/files.h"

/* Blank out the lines of TEXT that begin with #. */
static void drop_comments(char *text)
{
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (*line == '#')
			memset(line, ' ', strcspn(line, "\n"));
	}
}

/* Each file by itself: a quote that is not closed ends with it. */
static bool parameter_in(const char *path, const char *name, char *value, size_t size)
{
	char text[CMDLINE_READ_SIZE], found[CMDLINE_READ_SIZE];
	struct error err = { 0 };

	if (file_read(path, text, sizeof(text), &err)) {
		if (err.code != ENOENT)
			message("%s; its kernel parameters do not count", err.text);
		return false;
	}
	drop_comments(text);
	if (!cmdline_parameter(text, name, found, sizeof(found)))
		return false;
	snprintf(value, size, "%s", found);
	return true;
}

enum exit_code parameter_print(const char *name, char *const *files, int count)
{
	char value[CMDLINE_READ_SIZE];
	bool found = false;

	if (!count)
		found = parameter_in("/proc/cmdline", name, value, sizeof(value));
	for (int i = 0; i < count; i++)
		found |= parameter_in(files[i], name, value, sizeof(value));
	if (!found)
		return EXIT_FAILED;
	return puts(value) < 0 ? EXIT_FAILED : EXIT_DONE;
}
