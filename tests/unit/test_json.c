/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON: structure, and texts with anything in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/json.h"

static void test_structure(void **state)
{
	char *text = NULL;
	size_t size;
	struct json json = { .out = open_memstream(&text, &size) };

	(void)state;
	json_begin(&json, NULL);
	json_number(&json, "large", UINT64_MAX);
	json_begin(&json, "inner");
	json_null(&json, "nothing");
	json_text(&json, "text", "abc", 2);
	json_end(&json);
	json_number(&json, "last", 0);
	json_end(&json);
	fclose(json.out);
	assert_string_equal(text, "{\n"
				  "  \"large\": 18446744073709551615,\n"
				  "  \"inner\": {\n"
				  "    \"nothing\": null,\n"
				  "    \"text\": \"ab\"\n"
				  "  },\n"
				  "  \"last\": 0\n"
				  "}\n");
	free(text);
}

static void expect_text(const char *in, size_t size, const char *expected)
{
	char *text = NULL;
	size_t length;
	struct json json = { .out = open_memstream(&text, &length), .depth = 1 };
	/* Exactly as large as it says: reading beyond it is an error of its own here. */
	char *copy = malloc(size ? size : 1);

	memcpy(copy, in, size);
	json_text(&json, "t", copy, size);
	fclose(json.out);
	assert_int_equal(strncmp(text, "\n  \"t\": \"", 9), 0);
	text[length - 1] = '\0';
	assert_string_equal(text + 9, expected);
	free(text);
	free(copy);
}

static void test_texts(void **state)
{
#define EXPECT(in, expected) expect_text(in, sizeof(in) - 1, expected)
	(void)state;
	EXPECT("", "");
	EXPECT("plain /dev/vda", "plain /dev/vda");
	EXPECT("a\"b\\c", "a\\\"b\\\\c");
	EXPECT("\n\t\x01\x1f\x7f", "\\u000a\\u0009\\u0001\\u001f\\u007f");
	EXPECT("\xc2\x9b\xc2\xa0", "\\u009b\xc2\xa0");
	EXPECT("ends\0here", "ends");
	EXPECT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	EXPECT("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
	       "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
	/* Bytes that begin nothing: stray, cut, longer than needed, out of range. */
	EXPECT("\x80x", "\\ufffdx");
	EXPECT("\xff", "\\ufffd");
	EXPECT("\xc3", "\\ufffd");
	EXPECT("\xc3\"", "\\ufffd\\\"");
	EXPECT("\xe2\x82", "\\ufffd\\ufffd");
	EXPECT("\xc0\xaf", "\\ufffd\\ufffd");
	EXPECT("\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd");
	EXPECT("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");
	EXPECT("\xf0\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd");
	EXPECT("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd");
	EXPECT("\xf0\x9f\x98x", "\\ufffd\\ufffd\\ufffdx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
