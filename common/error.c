/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building error texts as the stack unwinds, and the one place that prints them. */
#include "common/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/printable.h"

static void set_text(struct error *err, const char *format, va_list args)
{
	vsnprintf(err->text, sizeof(err->text), format, args);
	/* It may quote what is on a disk: one line that cannot drive a terminal. */
	printable(err->text);
}

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list args;

	err->code = code;
	va_start(args, format);
	set_text(err, format, args);
	va_end(args);
	return -code;
}

int error_errno(struct error *err, const char *format, ...)
{
	int code = errno;
	size_t used;
	va_list args;

	err->code = code;
	va_start(args, format);
	set_text(err, format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(code));
	return -code;
}

int error_prefix(struct error *err, const char *format, ...)
{
	char old[sizeof(err->text)];
	size_t used;
	va_list args;

	memcpy(old, err->text, sizeof(old));
	va_start(args, format);
	set_text(err, format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", old);
	return -err->code;
}

/* One write() a line, so that lines of several threads and programs stay whole in the log. */
static void print_line(const char *format, va_list args, const char *more)
{
	char line[1024];
	char *end = line + sizeof(line) - 1;
	char *p = line;

	p += snprintf(p, end - p, "%.64s: ", program_invocation_short_name);
	vsnprintf(p, end - p, format, args);
	printable(line);
	p = line + strlen(line);
	if (more)
		snprintf(p, end - p, ": %s", more);
	strcat(line, "\n");
	fputs(line, stderr);
	fflush(stderr);
}

void message(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(format, args, NULL);
	va_end(args);
}

void message_error(const struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(format, args, err->text);
	va_end(args);
}
