/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON output (RFC 8259).
 */
#include "text/json.h"

#include <inttypes.h>
#include <string.h>

static void begin_value(struct json *json, const char *name)
{
	if (json->comma)
		fputc(',', json->out);
	if (json->depth)
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
	fprintf(json->out, "\n%*s}", 2 * json->depth, "");
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

/* Bytes of the UTF-8 sequence that TEXT begins with, within SIZE; 0 when it is none (RFC 3629). */
static size_t sequence(const unsigned char *text, size_t size)
{
	size_t length = *text < 0xc2   ? 0
			: *text < 0xe0 ? 2
			: *text < 0xf0 ? 3
			: *text < 0xf5 ? 4
				       : 0;
	unsigned char low = 0x80, high = 0xbf; /* of the second byte */

	if (*text < 0x80)
		return 1;
	if (!length || length > size)
		return 0;
	if (*text == 0xe0)
		low = 0xa0; /* shorter ones exist */
	if (*text == 0xed)
		high = 0x9f; /* surrogates */
	if (*text == 0xf0)
		low = 0x90;
	if (*text == 0xf4)
		high = 0x8f; /* beyond U+10FFFF */
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return length;
}

void json_text(struct json *json, const char *name, const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	const unsigned char *end = at + strnlen(text, size);

	begin_value(json, name);
	fputc('"', json->out);
	while (at < end) {
		size_t length = sequence(at, (size_t)(end - at));

		if (!length)
			fputs("\\ufffd", json->out);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(json->out, "\\u%04x", *at);
		else if (*at == '"' || *at == '\\')
			fprintf(json->out, "\\%c", *at);
		else
			fwrite(at, 1, length, json->out);
		at += length ? length : 1;
	}
	fputc('"', json->out);
}
