/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes from elsewhere is shown, and does not drive a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/error.h"
#include "common/printable.h"
#include "image/image.h"

static void test_texts(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "plain /dev/vda", "plain /dev/vda" },
		{ "\x1b[31mred\x07\r\n", "?[31mred???" },
		{ "\x7f", "?" },
		/* C1: one byte in some terminals, two in UTF-8 */
		{ "a\x9b"
		  "31m",
		  "a?31m" },
		{ "a\xc2\x9b"
		  "31m",
		  "a??31m" },
		{ "a\xc2\xa0"
		  "b",
		  "a\xc2\xa0"
		  "b" },
		/* letters stay, what is none goes */
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xc3", "?" },
		{ "\xc0\x9b\xff", "???" },
		{ "\xe2\x82", "??" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];
		struct error err;

		snprintf(text, sizeof(text), "%s", cases[i].in);
		assert_string_equal(printable(text), cases[i].out);
		error_set(&err, 1, "%s", cases[i].in);
		assert_string_equal(err.text, cases[i].out);
	}
}

/* As `status`, `verify` and `discard` show it. */
static void test_image(void **state)
{
	struct image_super super = { .state = IMAGE_VALID, .kind = IMAGE_HIBERNATION };
	char text[256];

	(void)state;
	strcpy(super.release, "6.12\x1b]0;title\x07");
	assert_null(strpbrk(image_describe(&super, text, sizeof(text)), "\x1b\x07"));
	assert_non_null(strstr(text, "6.12?]0;title?"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
