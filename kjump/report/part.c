/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How each line of a report gets there.
 */
#include "kjump/report/part.h"

#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "text/files.h"

char *report_path(const struct report *report, const char *path, char text[REPORT_PATH_SIZE])
{
	snprintf(text, REPORT_PATH_SIZE, "%s%s", report->root, path);
	return text;
}

/* The one place that writes. */
static void put(struct report *report, char *line)
{
	char *clean;

	line[strcspn(line, "\n")] = '\0';
	for (char *c = line; *c; c++)
		*c = *c == '\t' ? ' ' : *c;
	clean = redact_line(&report->redact, line);
	if (clean)
		fprintf(report->out, "%s\n", printable(clean));
	else
		report->full = true;
	free(clean);
}

void report_line(struct report *report, const char *format, ...)
{
	char *text, *line, *rest;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0) {
		report->full = true;
		return;
	}
	rest = text;
	while ((line = strsep(&rest, "\n")))
		put(report, line);
	free(text);
}

void report_value(struct report *report, const char *name, const char *path)
{
	char full[REPORT_PATH_SIZE], text[1024];
	ssize_t length = file_read_start(report_path(report, path, full), text, sizeof(text));

	if (length == -ENOENT)
		return;
	if (length < 0)
		report_line(report, "%s: %s", name, strerror((int)-length));
	else
		report_line(report, "%s: %.*s", name, (int)strcspn(text, "\n"), text);
}

static size_t count_lines(FILE *file)
{
	size_t count = 0, capacity = 0;
	char *line = NULL;

	while (getline(&line, &capacity, file) >= 0)
		count++;
	free(line);
	rewind(file);
	return count;
}

void report_file(struct report *report, const char *path, size_t max)
{
	char full[REPORT_PATH_SIZE], *line = NULL;
	FILE *file = fopen(report_path(report, path, full), "re");
	size_t capacity = 0, count;

	if (!file) {
		report_line(report, "%s: %s", path, strerror(errno));
		return;
	}
	count = count_lines(file);
	if (count > max)
		report_line(report, "%s: the last %zu of %zu lines", path, max, count);
	while (getline(&line, &capacity, file) >= 0) {
		if (count-- <= max)
			put(report, line);
	}
	free(line);
	fclose(file);
}

void report_each(struct report *report, const char *pattern, report_action action)
{
	char full[REPORT_PATH_SIZE];
	glob_t found;

	if (glob(report_path(report, pattern, full), 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			action(report, found.gl_pathv[i]);
	}
	globfree(&found);
}
