/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel parameters in a stretch of text.
 */
#ifndef KJUMP_SETUP_WORDS_H
#define KJUMP_SETUP_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A part of a text. */
struct stretch {
	const char *start;
	size_t length;
};

bool stretch_is(struct stretch stretch, const char *text);

/*
 * Take the next word off the front of REST: words end at blanks outside of double quotes, as the
 * kernel has it; a backslash before a quote is the shell's. False at the end.
 */
bool words_next(struct stretch *rest, struct stretch *word);

/*
 * The first "NAME=..." of the same name as PARAMETER in WORDS, before any "--"; without a start
 * when there is none.
 */
struct stretch words_find(struct stretch words, const char *parameter);

/* Is there one? */
bool words_have(struct stretch words, const char *parameter);

/*
 * Write WORDS to OUT with PARAMETER ("name=value") among them: in place of the first of its name,
 * others of which go, else before "--", which what is for init follows, else behind the last word.
 */
void words_add(FILE *out, struct stretch words, const char *parameter);

/* Write WORDS without those that are PARAMETER, and the blank before each. */
void words_drop(FILE *out, struct stretch words, const char *parameter);

#endif
