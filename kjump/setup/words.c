/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/setup/words.h"

#include <string.h>

#define BLANKS " \t\r\n"

bool words_next(struct stretch *rest, struct stretch *word)
{
	const char *end = rest->start + rest->length, *at = rest->start;
	bool quoted = false;

	while (at < end && strchr(BLANKS, *at))
		at++;
	word->start = at;
	for (; at < end && (quoted || !strchr(BLANKS, *at)); at++)
		quoted ^= *at == '"';
	word->length = (size_t)(at - word->start);
	*rest = (struct stretch){ at, (size_t)(end - at) };
	return word->length > 0;
}

bool stretch_is(struct stretch stretch, const char *text)
{
	return stretch.start && stretch.length == strlen(text) &&
	       !memcmp(stretch.start, text, stretch.length);
}

/* Up to "=", which belongs to it. */
static bool same_name(const struct stretch *word, const char *parameter)
{
	size_t length = strcspn(parameter, "=") + 1;

	return word->length >= length && !memcmp(word->start, parameter, length);
}

struct stretch words_find(struct stretch words, const char *parameter)
{
	struct stretch word;

	while (words_next(&words, &word) && !stretch_is(word, "--"))
		if (same_name(&word, parameter))
			return word;
	return (struct stretch){ NULL, 0 };
}

bool words_have(struct stretch words, const char *parameter)
{
	return words_find(words, parameter).start;
}

static void put(FILE *out, const char *from, const char *to)
{
	fwrite(from, 1, (size_t)(to - from), out);
}

/* FROM up to WORD, without the blank right before it. */
static void put_before(FILE *out, const char *from, const struct stretch *word)
{
	put(out, from, word->start > from ? word->start - 1 : word->start);
}

static void replace(FILE *out, struct stretch words, const char *parameter)
{
	const char *done = words.start, *end = words.start + words.length;
	struct stretch word;
	bool first = true, own = true;

	while (words_next(&words, &word)) {
		own = own && !stretch_is(word, "--");
		if (!own || !same_name(&word, parameter))
			continue;
		if (first) {
			put(out, done, word.start);
			fputs(parameter, out);
		} else {
			put_before(out, done, &word);
		}
		done = word.start + word.length;
		first = false;
	}
	put(out, done, end);
}

void words_add(FILE *out, struct stretch words, const char *parameter)
{
	const char *start = words.start, *end = words.start + words.length, *last = words.start;
	struct stretch rest = words, word;
	bool empty = true;

	if (words_have(words, parameter)) {
		replace(out, words, parameter);
		return;
	}
	while (words_next(&rest, &word)) {
		if (stretch_is(word, "--")) {
			put(out, start, word.start);
			fprintf(out, "%s ", parameter);
			put(out, word.start, end);
			return;
		}
		last = word.start + word.length;
		empty = false;
	}
	put(out, start, last);
	fprintf(out, "%s%s", empty ? "" : " ", parameter);
	put(out, last, end);
}

void words_drop(FILE *out, struct stretch words, const char *parameter)
{
	const char *done = words.start, *end = words.start + words.length;
	struct stretch word;

	while (words_next(&words, &word)) {
		bool first = word.start == done;

		if (!stretch_is(word, parameter))
			continue;
		put_before(out, done, &word);
		done = word.start + word.length;
		/* The first one has no blank before it, but one behind it. */
		if (first && done < end && *done == ' ')
			done++;
	}
	put(out, done, end);
}
