/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disk/attribute.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "text/files.h"

bool attribute_text(const char *path, char *text, size_t size)
{
	size_t blanks, length;

	if (file_read_start(path, text, size) < 0) {
		*text = '\0';
		return false;
	}
	blanks = strspn(text, " \t\n");
	length = strlen(text + blanks);
	while (length && strchr(" \t\n", text[blanks + length - 1]))
		length--;
	memmove(text, text + blanks, length);
	text[length] = '\0';
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return true;
}

bool attribute_of_disk(const char *sys, const char *name, const char *attribute, char *text,
		       size_t size)
{
	char path[PATH_MAX];

	*text = '\0';
	return snprintf(path, sizeof(path), "%s/class/block/%s/%s", sys, name, attribute) <
		       (int)sizeof(path) &&
	       attribute_text(path, text, size);
}
