/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is no watchdog of kernel A's is not left running.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "writer/guard.h"

static char directory[] = "/tmp/kjump-guard-XXXXXX";
static char pattern[64], device[80];

/* The file in the place of a watchdog's; a driver knows that file by the last letter written. */
static char last_letter(void)
{
	FILE *file = fopen(device, "r");
	char letter = 0;

	assert_non_null(file);
	(void)!fread(&letter, 1, 1, file);
	fclose(file);
	return letter;
}

static void test_not_asked_for(void **state)
{
	const struct request request = { 0 };
	struct guard guard;

	(void)state;
	guard_begin(&guard, &request, pattern);
	guard_feed(&guard);
	guard_end(&guard);
	assert_int_equal(last_letter(), 0);
}

static void test_another(void **state)
{
	const struct request request = {
		.watchdog_count = 1, .watchdogs = { { .identity = "iTCO_wdt", .timeout = 30 } }
	};
	struct guard guard;

	(void)state;
	guard_begin(&guard, &request, pattern);
	assert_int_equal(guard.count, 0);
	assert_int_equal(last_letter(), 'V');
	guard_feed(&guard);
	guard_end(&guard);
}

static int make_device(void **state)
{
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(pattern, sizeof(pattern), "%s/watchdog", directory);
	snprintf(device, sizeof(device), "%s0", pattern);
	file = fopen(device, "w");
	return file ? fclose(file) : -1;
}

static int remove_device(void **state)
{
	(void)state;
	return unlink(device) || rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_asked_for),
		cmocka_unit_test(test_another),
	};

	return cmocka_run_group_tests_name("guard", tests, make_device, remove_device);
}
