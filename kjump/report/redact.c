/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words that are taken out of a text. What looks like one is found in pattern.c.
 */
#include "kjump/report/redact.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kjump/report/pattern.h"

#define SHORT_WORD                                                                                 \
	6 /* "alma" within "thalmann" names nobody, "alexandra" in "alexandrahome" does */

static const char *const kind_names[REDACT_KINDS] = {
	[REDACT_HOST] = "host",	      [REDACT_USER] = "user",	[REDACT_SERIAL] = "serial",
	[REDACT_LABEL] = "label",     [REDACT_VALUE] = "value", [REDACT_UUID] = "uuid",
	[REDACT_ADDRESS] = "address",
};

/* What many machines have, and what a report would lose its sense without. */
static const char *const harmless[] = {
	"(none)",
	"archlinux",
	"basic data partition",
	"boot",
	"data",
	"debian",
	"default",
	"default string",
	"efi",
	"efi system partition",
	"esp",
	"fedora",
	"home",
	"kjump",
	"linux",
	"linux filesystem",
	"linux swap",
	"localdomain",
	"localhost",
	"lost+found",
	"microsoft reserved partition",
	"nixos",
	"nobody",
	"none",
	"not applicable",
	"not specified",
	"primary",
	"root",
	"swap",
	"system serial number",
	"to be filled by o.e.m.",
	"ubuntu",
	"unknown",
	"user",
	"var",
};

static bool is_harmless(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		if (strlen(harmless[i]) == length && !strncasecmp(text, harmless[i], length))
			return true;
	}
	/* "0000000000" is no serial number either. */
	return length < 2 || strspn(text, "0 .-") >= length;
}

static struct redact_word *find(const struct redact *redact, const char *text, size_t length)
{
	for (size_t i = 0; i < redact->count; i++) {
		if (strlen(redact->words[i].text) == length &&
		    !strncasecmp(redact->words[i].text, text, length))
			return &redact->words[i];
	}
	return NULL;
}

static struct redact_word *add(struct redact *redact, enum redact_kind kind, const char *text,
			       size_t length)
{
	struct redact_word *word = find(redact, text, length);

	if (word)
		return word;
	if (redact->count == redact->capacity) {
		size_t capacity = redact->capacity ? 2 * redact->capacity : 64;

		word = realloc(redact->words, capacity * sizeof(*word));
		if (!word)
			return NULL;
		redact->words = word;
		redact->capacity = capacity;
	}
	word = &redact->words[redact->count];
	*word = (struct redact_word){ .text = strndup(text, length),
				      .kind = kind,
				      .whole = length < SHORT_WORD || kind >= REDACT_LABEL };
	if (!word->text)
		return NULL;
	word->number = ++redact->numbers[kind];
	redact->count++;
	return word;
}

int redact_learn(struct redact *redact, enum redact_kind kind, const char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	if (is_harmless(text, length))
		return 0;
	return add(redact, kind, text, length) ? 0 : -ENOMEM;
}

static bool is_boundary(const char *line, size_t at)
{
	return !at || !isalnum((unsigned char)line[at - 1]) || !isalnum((unsigned char)line[at]);
}

/* The longest word that stands at AT, or NULL. */
static struct redact_word *word_at(const struct redact *redact, const char *line, size_t at)
{
	struct redact_word *best = NULL;
	size_t best_length = 0;

	for (size_t i = 0; i < redact->count; i++) {
		struct redact_word *word = &redact->words[i];
		size_t length = strlen(word->text);

		if (length <= best_length || strncasecmp(line + at, word->text, length))
			continue;
		if (word->whole && (!is_boundary(line, at) || !is_boundary(line, at + length)))
			continue;
		best = word;
		best_length = length;
	}
	return best;
}

/* Write what stands in LINE at *AT, or the name for it, and move *AT behind it. */
static int put_next(struct redact *redact, const char *line, size_t *at, FILE *out)
{
	enum redact_kind kind = REDACT_UUID;
	struct redact_word *word = NULL;
	size_t length = pattern_length(line, *at, &kind);

	if (length && is_harmless(line + *at, length)) {
		fprintf(out, "%.*s", (int)length, line + *at);
		*at += length;
		return 0;
	}
	if (length) {
		word = add(redact, kind, line + *at, length);
		if (!word)
			return -ENOMEM;
	} else {
		word = word_at(redact, line, *at);
		length = word ? strlen(word->text) : 1;
	}
	if (word)
		fprintf(out, "<%s-%u>", kind_names[word->kind], word->number);
	else
		fputc(line[*at], out);
	*at += length;
	return 0;
}

char *redact_line(struct redact *redact, const char *line)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc = out ? 0 : -ENOMEM;

	for (size_t at = 0; !rc && line[at];)
		rc = put_next(redact, line, &at, out);
	if (out && fclose(out))
		rc = -ENOMEM;
	if (!rc)
		return text;
	free(text);
	return NULL;
}

void redact_free(struct redact *redact)
{
	for (size_t i = 0; i < redact->count; i++)
		free(redact->words[i].text);
	free(redact->words);
	*redact = (struct redact){ 0 };
}
