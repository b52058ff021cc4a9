/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON output (RFC 8259).
 */
#include "text/json.h"

#include <inttypes.h>
#include <string.h>

#include "common/printable.h"

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
