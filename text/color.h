/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Colours of a word on a terminal, for those who want them (https://no-color.org). */
#ifndef TEXT_COLOR_H
#define TEXT_COLOR_H

#include <stdbool.h>
#include <stdio.h>

#include "text/keys.h"

enum color_when {
	COLOR_AUTO, /* on a terminal that knows some, unless NO_COLOR is set and not empty */
	COLOR_ALWAYS,
	COLOR_NEVER,
};

enum color {
	COLOR_GOOD,
	COLOR_DOUBT,
	COLOR_BAD,
	COLOR_UNKNOWN,
};

/* enum color_when, for options: auto, always, never; yes and no. */
extern const struct key_type color_key;

/* Does OUT get colours? */
bool color_wanted(enum color_when when, FILE *out);

/* What begins and what ends COLOR: "" unless WANTED. */
const char *color_begin(bool wanted, enum color color);
const char *color_end(bool wanted);

#endif
