/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/setup/edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is written of the new text. */
struct output {
	FILE *file;
	char *text;
	size_t size;
};

static int begin(struct output *output, struct error *err)
{
	output->file = open_memstream(&output->text, &output->size);
	return output->file ? 0 : error_errno(err, "memory");
}

static int finish(struct output *output, int ret, char **text, struct error *err)
{
	if (fclose(output->file) && !ret)
		ret = error_errno(err, "memory");
	if (ret) {
		free(output->text);
		return ret;
	}
	*text = output->text;
	return 0;
}

static void put(FILE *out, const char *from, const char *to)
{
	fwrite(from, 1, (size_t)(to - from), out);
}

/* The line at AT, without its end. */
static struct stretch line_at(const char *at)
{
	return (struct stretch){ at, strcspn(at, "\n") };
}

static const char *after(const struct stretch *line)
{
	return line->start + line->length + (line->start[line->length] == '\n');
}

#define FOR_EACH_LINE(line, text)                                                                  \
	for (struct stretch line = line_at(text); *line.start; line = line_at(after(&line)))

static int line_number(const char *text, const char *at)
{
	int number = 1;

	for (; text < at; text++)
		number += *text == '\n';
	return number;
}

static void change_words(FILE *out, struct stretch words, const char *word, bool add)
{
	(add ? words_add : words_drop)(out, words, word);
}

/* --- GRUB_CMDLINE_LINUX ----------------------------------------------------------------------- */

#define VARIABLE "GRUB_CMDLINE_LINUX"

struct assignment {
	struct stretch value; /* without quotes */
	char quote;	      /* or 0 */
};

static bool is_name(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* Where LINE speaks of the variable, but for its value; NULL when it does not. */
static const char *find_variable(const struct stretch *line)
{
	size_t length = strlen(VARIABLE);

	for (size_t i = 0; i + length <= line->length; i++) {
		const char *at = line->start + i;

		if (memcmp(at, VARIABLE, length) || is_name(at[length]))
			continue;
		if (i && (is_name(at[-1]) || strchr("${", at[-1])))
			continue;
		return at;
	}
	return NULL;
}

/* Is REST of a line nothing but blanks and a comment? */
static bool is_rest(const char *rest, const char *end)
{
	const char *at = rest;

	while (at < end && strchr(" \t", *at))
		at++;
	return at == end || (*at == '#' && at > rest);
}

/* Does the text in double quotes have what takes a shell to know? */
static bool is_command(const struct stretch *value)
{
	for (size_t i = 0; i < value->length; i++) {
		if (value->start[i] == '`' ||
		    (value->start[i] == '$' && i + 1 < value->length && value->start[i + 1] == '('))
			return true;
	}
	return false;
}

/* The value of an assignment: one word of the shell's, in one pair of quotes or none. */
static bool parse_value(const char *at, const char *end, struct assignment *ret)
{
	const char *start = at;

	ret->quote = at < end && strchr("\"'", *at) ? *at : '\0';
	if (ret->quote)
		at = ++start;
	for (; at < end; at++) {
		if (ret->quote ? *at == ret->quote : strchr(" \t;#", *at) != NULL)
			break;
		if (!ret->quote && strchr("\"'`$\\&|<>()*?[~", *at))
			return false;
		if (ret->quote == '"' && *at == '\\' && ++at == end)
			return false;
	}
	ret->value = (struct stretch){ start, (size_t)(at - start) };
	if (ret->quote && (at == end || (ret->quote == '"' && is_command(&ret->value))))
		return false;
	return is_rest(at + !!ret->quote, end);
}

/* The last assignment, which counts; a zero one when there is none. */
static int find_assignment(const char *text, struct assignment *ret, struct error *err)
{
	size_t length = strlen(VARIABLE "=");

	*ret = (struct assignment){ .quote = '\0' };
	FOR_EACH_LINE(line, text)
	{
		const char *end = line.start + line.length;

		if (line.start[strspn(line.start, " \t")] == '#' || !find_variable(&line))
			continue;
		if (line.length < length || memcmp(line.start, VARIABLE "=", length) ||
		    !parse_value(line.start + length, end, ret))
			return error_set(err, EINVAL,
					 "line %d: no plain " VARIABLE
					 "=\"...\" on one line; what it means takes a shell",
					 line_number(text, line.start));
	}
	return 0;
}

static struct stretch find_grub(const char *text, const char *word)
{
	struct error ignored = { 0 };
	struct assignment found;

	if (find_assignment(text, &found, &ignored) || !found.value.start)
		return (struct stretch){ NULL, 0 };
	return words_find(found.value, word);
}

static int apply_grub(const char *text, const char *word, bool add, char **ret, struct error *err)
{
	const char *end = text + strlen(text);
	struct assignment found;
	struct output output;
	int status = find_assignment(text, &found, err);

	if (!status)
		status = begin(&output, err);
	if (status)
		return status;
	if (found.value.start) {
		bool bare = !found.quote && add;

		put(output.file, text, found.value.start);
		fputs(bare ? "\"" : "", output.file);
		change_words(output.file, found.value, word, add);
		fputs(bare ? "\"" : "", output.file);
		put(output.file, found.value.start + found.value.length, end);
	} else {
		put(output.file, text, end);
		if (add)
			fprintf(output.file, "%s" VARIABLE "=\"%s\"\n",
				end > text && end[-1] != '\n' ? "\n" : "", word);
	}
	return finish(&output, 0, ret, err);
}

/* --- entries of boot loaders ------------------------------------------------------------------ */

#define OPTIONS "options"

static bool is_options(const struct stretch *line)
{
	size_t length = strlen(OPTIONS);

	return line->length >= length && !memcmp(line->start, OPTIONS, length) &&
	       (line->length == length || strchr(" \t\r", line->start[length]));
}

/* All lines of options count, one behind the other: the one that has the word, else the last. */
static struct stretch find_options(const char *text, const char *word)
{
	struct stretch last = { NULL, 0 };

	FOR_EACH_LINE(line, text)
	{
		if (is_options(&line) && (!last.start || !words_have(last, word)))
			last = line;
	}
	return last;
}

static struct stretch find_in_entry(const char *text, const char *word)
{
	return words_find(find_options(text, word), word);
}

static int apply_entry(const char *text, const char *word, bool add, char **ret, struct error *err)
{
	const char *end = text + strlen(text);
	struct stretch last = find_options(text, word);
	struct output output;
	int status;

	if (last.start && memmem(last.start, last.length, "$kernelopts", 11))
		return error_set(err, EINVAL,
				 "line %d: $kernelopts, which grubenv holds; 'grubby "
				 "--update-kernel=ALL --args=%s' writes it out",
				 line_number(text, last.start), word);
	status = begin(&output, err);
	if (status)
		return status;
	if (last.start) {
		const char *words = last.start + strlen(OPTIONS);
		size_t length = (size_t)(last.start + last.length - words);

		put(output.file, text, words);
		/* One blank at least belongs to the key. */
		if (add && !length)
			fputc(' ', output.file);
		else if (length)
			fputc(*words++, output.file), length--;
		change_words(output.file, (struct stretch){ words, length }, word, add);
		put(output.file, last.start + last.length, end);
	} else {
		put(output.file, text, end);
		if (add)
			fprintf(output.file, "%s" OPTIONS " %s\n",
				end > text && end[-1] != '\n' ? "\n" : "", word);
	}
	return finish(&output, 0, ret, err);
}

/* --- /etc/kernel/cmdline ---------------------------------------------------------------------- */

/* The line that has it, else the last one that has words. */
static struct stretch find_words(const char *text, const char *word)
{
	struct stretch last = { NULL, 0 };

	FOR_EACH_LINE(line, text)
	{
		struct stretch rest = line, first;

		if (*line.start != '#' && words_next(&rest, &first) &&
		    (!last.start || !words_have(last, word)))
			last = line;
	}
	return last;
}

static struct stretch find_in_cmdline(const char *text, const char *word)
{
	return words_find(find_words(text, word), word);
}

static int apply_cmdline(const char *text, const char *word, bool add, char **ret,
			 struct error *err)
{
	struct stretch last = find_words(text, word);
	struct output output;
	int status = begin(&output, err);

	if (status)
		return status;
	FOR_EACH_LINE(line, text)
	{
		if (*line.start == '#' || (add && line.start != last.start))
			put(output.file, line.start, line.start + line.length);
		else
			change_words(output.file, line, word, add);
		put(output.file, line.start + line.length, after(&line));
	}
	if (!last.start && add)
		fprintf(output.file, "%s%s\n", *text && text[strlen(text) - 1] != '\n' ? "\n" : "",
			word);
	return finish(&output, 0, ret, err);
}

/* --- kjump.conf ------------------------------------------------------------------------------- */

#define KEY "target"

/* Is LINE "target = ...", or that behind a #? */
static bool is_target(const struct stretch *line, bool comment)
{
	const char *at = line->start + strspn(line->start, " \t");

	if (comment && *at++ != '#')
		return false;
	at += strspn(at, " \t");
	if (strncmp(at, KEY, strlen(KEY)))
		return false;
	at += strlen(KEY);
	return at[strspn(at, " \t")] == '=';
}

/* As file_read_pairs() has the value: without blanks at its ends. */
static struct stretch value_of(const struct stretch *line)
{
	const char *at = memchr(line->start, '=', line->length);
	const char *end = line->start + line->length;

	at++;
	while (at < end && strchr(" \t\r", *at))
		at++;
	while (end > at && strchr(" \t\r", end[-1]))
		end--;
	return (struct stretch){ at, (size_t)(end - at) };
}

static struct stretch find_target(const char *text, const char *word)
{
	struct stretch last = { NULL, 0 };

	(void)word;
	FOR_EACH_LINE(line, text)
	{
		if (is_target(&line, false))
			last = value_of(&line);
	}
	return last;
}

/* The last line counts. Behind the example of it is where one is looked for. */
static int apply_target(const char *text, const char *word, bool add, char **ret, struct error *err)
{
	struct stretch last = { NULL, 0 }, example = { NULL, 0 };
	const char *from, *to;
	struct output output;
	int status = begin(&output, err);

	if (status)
		return status;
	FOR_EACH_LINE(line, text)
	{
		if (is_target(&line, false))
			last = line;
		else if (is_target(&line, true))
			example = line;
	}
	if (last.start ? stretch_is(value_of(&last), word) == add : !add) {
		fputs(text, output.file);
		return finish(&output, 0, ret, err);
	}
	from = last.start ? last.start : example.start ? after(&example) : text + strlen(text);
	to = last.start ? after(&last) : from;
	put(output.file, text, from);
	if (add)
		fprintf(output.file, "%s" KEY " = %s\n",
			from > text && from[-1] != '\n' ? "\n" : "", word);
	fputs(to, output.file);
	return finish(&output, 0, ret, err);
}

/* --- HOOKS of mkinitcpio ---------------------------------------------------------------------- */

#define HOOKS  "HOOKS=("
#define BEFORE "filesystems"

/* The one line that is an array of plain words. */
static int find_hooks(const char *text, struct stretch *ret, struct error *err)
{
	*ret = (struct stretch){ NULL, 0 };
	FOR_EACH_LINE(line, text)
	{
		const char *close = memchr(line.start, ')', line.length);
		size_t length = strlen(HOOKS);

		if (line.start[strspn(line.start, " \t")] == '#' ||
		    !memmem(line.start, line.length, "HOOKS", 5))
			continue;
		if (ret->start || strncmp(line.start, HOOKS, length) || !close ||
		    !is_rest(close + 1, line.start + line.length))
			return error_set(err, EINVAL,
					 "line %d: no plain HOOKS=(...) on one line; what it means "
					 "takes a shell",
					 line_number(text, line.start));
		*ret = (struct stretch){ line.start + length,
					 (size_t)(close - line.start) - length };
		if (strcspn(ret->start, "\"'`$\\#") < ret->length)
			return error_set(err, EINVAL, "line %d: not plain words",
					 line_number(text, line.start));
	}
	return ret->start ? 0 : error_set(err, EINVAL, "no HOOKS=(...)");
}

static int apply_hooks(const char *text, const char *word, bool add, char **ret, struct error *err)
{
	struct stretch hooks, rest, one, before = { NULL, 0 };
	struct output output;
	bool there = false;
	int status = find_hooks(text, &hooks, err);

	for (rest = hooks; !status && words_next(&rest, &one);) {
		there |= one.length == strlen(word) && !memcmp(one.start, word, one.length);
		if (one.length == strlen(BEFORE) && !memcmp(one.start, BEFORE, one.length))
			before = one;
	}
	if (!status && add && !there && !before.start)
		status = error_set(err, EINVAL, "HOOKS has no %s to put %s before", BEFORE, word);
	if (!status)
		status = begin(&output, err);
	if (status)
		return status;
	put(output.file, text, hooks.start);
	if (add && !there) {
		put(output.file, hooks.start, before.start);
		fprintf(output.file, "%s ", word);
		put(output.file, before.start, hooks.start + hooks.length);
	} else if (add) {
		put(output.file, hooks.start, hooks.start + hooks.length);
	} else {
		words_drop(output.file, hooks, word);
	}
	fputs(hooks.start + hooks.length, output.file);
	return finish(&output, 0, ret, err);
}

const struct edit edit_grub = { "grub", apply_grub, find_grub };
const struct edit edit_entry = { "entry", apply_entry, find_in_entry };
const struct edit edit_cmdline = { "cmdline", apply_cmdline, find_in_cmdline };
const struct edit edit_target = { "target", apply_target, find_target };
const struct edit edit_hooks = { "hooks", apply_hooks, NULL };

const struct edit *edit_find(const char *name)
{
	static const struct edit *const edits[] = { &edit_grub, &edit_entry, &edit_cmdline,
						    &edit_target, &edit_hooks };

	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		if (!strcmp(edits[i]->name, name))
			return edits[i];
	}
	return NULL;
}
