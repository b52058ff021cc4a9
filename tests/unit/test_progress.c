/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The progress bar: its figures, and that it never exceeds the line. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void test_long_name(void **state)
{
	const struct progress half = { .name = "UUID=3eb446d2-3020-4b8b-9731-a029c6762704",
				       .total = 10,
				       .done = 5,
				       .data = 5 };
	char text[256];

	(void)state;
	progress_bar(&half, 4096, 2, 80, text, sizeof(text));
	assert_memory_equal(text, "[####", 5);
	progress_bar(&half, 4096, 2, 120, text, sizeof(text));
	assert_memory_equal(text, "UUID=3eb4", 9);
}

static int open_terminal(struct terminals *terminals)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	*terminals = (struct terminals){ .count = 1 };
	terminals->fds[0] = open(ptsname(master), O_RDWR | O_NONBLOCK | O_NOCTTY);
	assert_true(terminals->fds[0] >= 0);
	return master;
}

/* What was written, up to END: a terminal hands it on when it gets to it. */
static void read_until(int master, const char *end, char *text, size_t size)
{
	struct pollfd poller = { .fd = master, .events = POLLIN };
	size_t used = 0, length = strlen(end);

	do {
		ssize_t got;

		assert_int_equal(poll(&poller, 1, 10000), 1);
		got = read(master, text + used, size - 1 - used);
		assert_true(got > 0);
		used += (size_t)got;
	} while (used < length || memcmp(text + used - length, end, length));
	text[used] = '\0';
}

static void test_on_a_console(void **state)
{
	struct terminals terminals;
	int master = open_terminal(&terminals);
	struct progress progress;
	char text[1024];

	(void)state;
	progress_init(&progress, "disk", 1000, false, &terminals);
	progress_add(&progress, 500, 400, 4096 * 200);
	progress_free(&progress);
	/* The bar, and the line wiped. */
	read_until(master, "\033[K\r\r\033[K", text, sizeof(text));
	assert_memory_equal(text, "disk: [#", 8);
	assert_non_null(strstr(text, " 50 % "));
	assert_non_null(strstr(text, "ratio 2.0\033[K\r"));
	terminals_close(&terminals);
	close(master);
}

/* A serial line that takes nothing holds nothing up, neither while saving nor at the end. */
static void test_on_a_dead_line(void **state)
{
	struct terminals terminals;
	int master = open_terminal(&terminals);

	(void)state;
	for (int i = 0; i < 10000; i++)
		terminals_print(&terminals, "0123456789");
	terminals_close(&terminals);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_figures),	     cmocka_unit_test(test_ends),
		cmocka_unit_test(test_width),	     cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_on_a_console), cmocka_unit_test(test_on_a_dead_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
