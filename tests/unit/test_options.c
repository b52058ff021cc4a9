/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines and named fields: what is taken, what is refused, what the help says.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/abi.h"
#include "kjump/options.h"
#include "restore/options.h"
#include "text/keys.h"
#include "writer/options.h"

#define ARGUMENTS(...)                                                                             \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

typedef const char *const *words_t;

static int count(words_t words)
{
	int n = 0;

	while (words[n])
		n++;
	return n;
}

static int run_nothing(const struct options *options)
{
	(void)options;
	return EXIT_DONE;
}

static const struct command command = {
	.name = "load",
	.operands = "[DEVICE]",
	.about = "About.",
	.accepts = TAKES(QUIET) | TAKES(LEVEL) | TAKES(VERIFY) | TAKES(LABEL) | TAKES(TARGET),
	.operands_max = 1,
	.run = run_nothing,
};

static int parse(words_t words, struct options *ret)
{
	return command_parse(&command, count(words), (char **)words, ret);
}

static void test_command(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(ARGUMENTS("load", "-q", "--level", "auto", "--verify", "/dev/x",
					 "--label=a b", "--target", "LABEL=y"),
			       &options),
			 EXIT_DONE);
	assert_true(options.quiet);
	assert_int_equal(options.config.level, LEVEL_AUTO);
	assert_true(options.config.verify);
	assert_string_equal(options.label, "a b");
	assert_string_equal(options.config.target, "LABEL=y");
	assert_string_equal(options.operands[0], "/dev/x");
	assert_false(options.json);

	assert_int_equal(parse(ARGUMENTS("load", "--verify", "--verify=no"), &options), EXIT_DONE);
	assert_false(options.config.verify);
	assert_null(options.label);
	assert_null(options.operands[0]);
}

static void test_command_misused(void **state)
{
	static const char *const cases[][4] = {
		{ "load", "--json", NULL },	   /* of other commands */
		{ "load", "--nonsense", NULL },	   /* of none */
		{ "load", "--quiet=yes", NULL },   /* takes no value */
		{ "load", "--level", NULL },	   /* takes one */
		{ "load", "--level", "20", NULL }, /* takes others */
		{ "load", "--verify=maybe", NULL }, { "load", "a", "b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct options options;

		assert_int_equal(parse(cases[i], &options), EXIT_USAGE);
	}
}

/* Whatever else is wrong: who asks for help gets it. */
static void test_command_help(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(ARGUMENTS("load", "a", "b", "-h"), &options), EXIT_DONE);
	assert_true(options.help);
}

static void test_restore(void **state)
{
	struct restore_options options;
	words_t words = ARGUMENTS("kjump-restore", "-w", "08", "--again", "UUID=1");

	(void)state;
	assert_int_equal(restore_options_parse(count(words), (char **)words, &options), -1);
	assert_int_equal(options.wait, 8);
	assert_true(options.again);
	assert_false(options.ask.given);
	assert_string_equal(options.target, "UUID=1");

	assert_int_equal(options.cpus, 0);

	words = ARGUMENTS("kjump-restore", "--cpus", "2", "UUID=1");
	assert_int_equal(restore_options_parse(count(words), (char **)words, &options), -1);
	assert_int_equal(options.cpus, 2);
	/* From the kernel command line: what says nothing is nothing, and no reason to boot on. */
	for (size_t i = 0; i < 4; i++) {
		static const char *const nothing[] = { "0", "two", "", "-1" };

		words = ARGUMENTS("kjump-restore", "--cpus", nothing[i], "UUID=1");
		assert_int_equal(restore_options_parse(count(words), (char **)words, &options), -1);
		assert_int_equal(options.cpus, 0);
	}

	words = ARGUMENTS("kjump-restore", "--ask", "3");
	assert_int_equal(restore_options_parse(count(words), (char **)words, &options), -1);
	assert_true(options.ask.given);
	assert_int_equal(options.ask.seconds, 3);
}

static void test_restore_misused(void **state)
{
	static const char *const cases[][5] = {
		{ "r", NULL },
		{ "r", "a", "b", NULL },
		{ "r", "--wait", "x", "a", NULL },
		{ "r", "--wait", "-1", "a", NULL },
		{ "r", "--boot-on", "", "a", NULL },
		{ "r", "--boot-on=why", "--again", "a", NULL },
		{ "r", "--ask", "1", "a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct restore_options options;
		words_t words = cases[i];

		assert_int_equal(restore_options_parse(count(words), (char **)words, &options),
				 EXIT_USAGE);
	}
}

static void test_write(void **state)
{
	struct write_options options;
	words_t words = ARGUMENTS("w", "--source", "vmcore:a:b", "--output", "o", "--level", "-20",
				  "--workers", "2", "--force");

	(void)state;
	assert_int_equal(write_options_parse(count(words), (char **)words, &options), -1);
	assert_string_equal(options.vmcore, "a:b");
	assert_string_equal(options.output, "o");
	assert_int_equal(options.level, -20);
	assert_int_equal(options.workers, 2);
	assert_true(options.force);

	words = ARGUMENTS("w");
	assert_int_equal(write_options_parse(count(words), (char **)words, &options), -1);
	assert_null(options.vmcore);
	assert_int_equal(options.level, LEVEL_DEFAULT);
}

static void test_write_misused(void **state)
{
	static const char *const cases[][5] = {
		{ "w", "x", NULL },
		{ "w", "--all", NULL },
		{ "w", "--source", "vmcore:", NULL },
		{ "w", "--source", "vmcore:a", NULL },
		{ "w", "--source", "elsewhere", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct write_options options;
		words_t words = cases[i];

		assert_int_equal(write_options_parse(count(words), (char **)words, &options),
				 EXIT_USAGE);
	}
}

struct record {
	char name[8];
	bool on;
	uint64_t number, address;
	uint8_t bytes[3];
};

static const struct key keys[] = {
	KEY("name", key_text, struct record, name),
	KEY("on", key_switch, struct record, on),
	KEY("number", key_number, struct record, number),
	KEY("address", key_address, struct record, address),
	KEY("bytes", key_bytes, struct record, bytes),
};
#define KEYS keys, sizeof(keys) / sizeof(*keys)

static void test_written_and_read(void **state)
{
	const struct record record = { "a b", true, 12, UINT64_MAX, { 0, 0xab, 255 } };
	char path[] = "/tmp/kjump-keys-XXXXXX", text[256];
	struct record back = { 0 };
	struct error err = { 0 };
	FILE *file;

	(void)state;
	assert_true(close(mkstemp(path)) == 0);
	assert_int_equal(keys_write(KEYS, &record, path, &err), 0);
	file = fopen(path, "re");
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(text, "name = a b\non = yes\nnumber = 12\n"
				  "address = 0xffffffffffffffff\nbytes = 00abff\n");
	assert_int_equal(keys_read(KEYS, &back, path, &err), 0);
	unlink(path);
	assert_string_equal(back.name, record.name);
	assert_true(back.on);
	assert_int_equal(back.number, record.number);
	assert_true(back.address == record.address);
	assert_memory_equal(back.bytes, record.bytes, sizeof(record.bytes));
}

static void test_bad_values(void **state)
{
	static const char *const cases[][2] = {
		{ "name", "12345678" }, { "on", "" },
		{ "on", "Yes" },	{ "number", "-1" },
		{ "number", "" },	{ "number", "1x" },
		{ "number", "0x" },	{ "bytes", "00abf" },
		{ "bytes", "00ABFF" },	{ "bytes", "00abff00" },
		{ "nothing", "value" }, { "number", "18446744073709551616" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record record = { 0 };
		const struct record unset = record;
		struct error err = { 0 };

		assert_int_equal(keys_set(KEYS, &record, cases[i][0], cases[i][1], &err), -EINVAL);
		assert_non_null(strstr(err.text, cases[i][0]));
		assert_memory_equal(&record, &unset, sizeof(record));
	}
}

/* Each line of a help begins in one column, and none is wider than a terminal. */
static void test_help(void **state)
{
	static const struct option_entry entries[] = {
		{ KEY("on", key_switch, struct record, on), 'o', NULL, "first\nsecond" },
		{ KEY("number", key_number, struct record, number), 0, "N", "third" },
		{ KEY("name", key_text, struct record, name), 0, "[=A-LONG-VALUE]", "fourth" },
		{ KEY("bytes", key_bytes, struct record, bytes), 0, "B", "not accepted" },
	};
	const struct option_table table = { entries, 4, 7, "help" };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	options_print(&table, out);
	fclose(out);
	assert_string_equal(text, "  -o, --on                first\n"
				  "                          second\n"
				  "      --number N          third\n"
				  "      --name[=A-LONG-VALUE]\n"
				  "                          fourth\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command),		cmocka_unit_test(test_command_misused),
		cmocka_unit_test(test_command_help),	cmocka_unit_test(test_restore),
		cmocka_unit_test(test_restore_misused), cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_misused),	cmocka_unit_test(test_written_and_read),
		cmocka_unit_test(test_bad_values),	cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
