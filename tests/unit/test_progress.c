/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The progress bar: its figures, and that it never exceeds the line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "writer/progress.h"

/* A quarter of 1000 pages looked at, 200 of these not zero. */
static const struct progress quarter = { .name = "disk", .total = 1000, .done = 250, .data = 200 };

static void test_figures(void **state)
{
	char text[256];

	(void)state;
	progress_bar(&quarter, 4096 * 100, 2, 80, text, sizeof(text));
	assert_string_equal(text, "disk: [########..........................] "
				  " 25 %  1 MB/s  0:06 left  ratio 2.0");
}

static void test_ends(void **state)
{
	const struct progress start = { .name = "disk", .total = 1000 };
	const struct progress end = { .name = "disk", .total = 1000, .done = 1000, .data = 1000 };
	char text[256];

	(void)state;
	progress_bar(&start, 0, 0, 80, text, sizeof(text));
	assert_non_null(strstr(text, "[.."));
	assert_non_null(strstr(text, " 0 %  0 MB/s  0:00 left  ratio 0.0"));
	progress_bar(&end, 4096 * 250, 75, 80, text, sizeof(text));
	assert_non_null(strstr(text, "##]"));
	assert_non_null(strstr(text, "100 %  0 MB/s  0:00 left  ratio 4.0"));
}

static void test_width(void **state)
{
	char text[256];

	(void)state;
	for (unsigned columns = 1; columns < 300; columns++) {
		progress_bar(&quarter, 4096, 2, columns, text, sizeof(text));
		assert_true(strlen(text) < columns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
