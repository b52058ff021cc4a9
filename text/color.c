/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text/color.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int set_when(void *field, size_t size, const char *value, struct error *err)
{
	static const struct {
		const char *word;
		enum color_when when;
	} words[] = {
		{ "auto", COLOR_AUTO },	  { "always", COLOR_ALWAYS }, { "yes", COLOR_ALWAYS },
		{ "never", COLOR_NEVER }, { "no", COLOR_NEVER },
	};

	(void)size;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(value, words[i].word)) {
			*(enum color_when *)field = words[i].when;
			return 0;
		}
	}
	return error_set(err, EINVAL, "'%.60s' is neither auto nor always nor never", value);
}

const struct key_type color_key = { set_when, NULL };

bool color_wanted(enum color_when when, FILE *out)
{
	const char *forbidden = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (when != COLOR_AUTO)
		return when == COLOR_ALWAYS;
	return isatty(fileno(out)) && !(forbidden && *forbidden) && terminal && *terminal &&
	       strcmp(terminal, "dumb");
}

const char *color_begin(bool wanted, enum color color)
{
	static const char *const codes[] = {
		[COLOR_GOOD] = "\033[32m",
		[COLOR_DOUBT] = "\033[33m",
		[COLOR_BAD] = "\033[1;31m",
		[COLOR_UNKNOWN] = "\033[2m",
	};

	return wanted ? codes[color] : "";
}

const char *color_end(bool wanted)
{
	return wanted ? "\033[0m" : "";
}
