/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON output (RFC 8259).
 */
#include "text/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"

static void begin_value(struct json *json, const char *name)
{
	if (json->comma)
		fputc(',', json->out);
	if (json->depth && json->line)
		fputs(json->comma ? " " : "", json->out);
	else if (json->depth)
		fprintf(json->out, "\n%*s", 2 * json->depth, "");
	if (name)
		fprintf(json->out, "\"%s\": ", name);
	json->comma = true;
}

void json_begin(struct json *json, const char *name)
{
	begin_value(json, name);
	fputc('{', json->out);
	json->depth++;
	json->comma = false;
}

void json_end(struct json *json)
{
	json->depth--;
	if (!json->line)
		fprintf(json->out, "\n%*s", 2 * json->depth, "");
	fputc('}', json->out);
	json->comma = true;
	if (!json->depth)
		fputc('\n', json->out);
}

void json_number(struct json *json, const char *name, uint64_t value)
{
	begin_value(json, name);
	fprintf(json->out, "%" PRIu64, value);
}

void json_null(struct json *json, const char *name)
{
	begin_value(json, name);
	fputs("null", json->out);
}

void json_text(struct json *json, const char *name, const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	const unsigned char *end = at + strnlen(text, size);

	begin_value(json, name);
	fputc('"', json->out);
	while (at < end) {
		size_t length = printable_length(at, (size_t)(end - at));

		if (!length)
			fputs("\\ufffd", json->out);
		else if (printable_is_control(at))
			fprintf(json->out, "\\u%04x", *at == 0xc2 ? at[1] : *at);
		else if (*at == '"' || *at == '\\')
			fprintf(json->out, "\\%c", *at);
		else
			fwrite(at, 1, length, json->out);
		at += length ? length : 1;
	}
	fputc('"', json->out);
}

/* What stands behind the colon at AT and the blanks around it; NULL when there is none. */
static const char *skip_colon(const char *at)
{
	at += strspn(at, " \t");
	if (*at != ':')
		return NULL;
	at++;
	return at + strspn(at, " \t");
}

/* What stands behind "NAME": in OBJECT; within texts there is no quote without a backslash. */
static const char *find(const char *object, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = object; (at = strchr(at, '"')); at++) {
		const char *value;

		if ((at > object && at[-1] == '\\') || strncmp(at + 1, name, length) ||
		    at[1 + length] != '"')
			continue;
		value = skip_colon(at + 1 + length + 1);
		if (value)
			return value;
	}
	return NULL;
}

bool json_find_number(const char *object, const char *name, uint64_t *ret)
{
	const char *at = find(object, name);
	unsigned long long number;
	char *end;

	if (!at || *at < '0' || *at > '9')
		return false;
	errno = 0;
	number = strtoull(at, &end, 10);
	if (errno)
		return false;
	*ret = number;
	return true;
}

/* The character behind the backslash at *AT, which goes on to its last digit. */
static char unescape(const char **at)
{
	char digits[5] = "";

	++*at;
	if (**at != 'u')
		return **at;
	for (size_t i = 0; i < 4; i++) {
		if (!(*at)[1])
			return '?';
		digits[i] = *++*at;
	}
	/* What was no text, or would drive a terminal. */
	return digits[0] == '0' && digits[1] == '0' ? ' ' : '?';
}

bool json_find_text(const char *object, const char *name, char *text, size_t size)
{
	const char *at = find(object, name);
	size_t used = 0;

	if (!at || *at != '"')
		return false;
	for (at++; *at && *at != '"'; at++) {
		char c = *at == '\\' ? unescape(&at) : *at;

		if (!*at)
			break;
		if (used + 1 < size)
			text[used++] = c;
	}
	text[used] = '\0';
	return *at == '"';
}
