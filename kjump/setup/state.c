/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/setup/state.h"

#include <stdarg.h>
#include <unistd.h>

char *setup_path(const struct setup *setup, const char *path, char text[SETUP_PATH])
{
	snprintf(text, SETUP_PATH, "%s%s", setup->root, path);
	return text;
}

bool setup_has(const struct setup *setup, const char *path)
{
	char full[SETUP_PATH];

	return !access(setup_path(setup, path, full), F_OK);
}

void setup_todo(struct setup *setup, const char *format, ...)
{
	va_list arguments;

	fputs("-> ", setup->out);
	va_start(arguments, format);
	vfprintf(setup->out, format, arguments);
	va_end(arguments);
	fputc('\n', setup->out);
	setup->todo++;
}
