/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings: files that are in order, and those that are not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/abi.h"
#include "kjump/config.h"

/* Write TEXT to a file of its own and read it as settings. */
static int read_text(const char *text, struct config *config, struct error *err)
{
	char path[] = "/tmp/kjump-config-XXXXXX";
	int fd = mkstemp(path);
	int ret;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	memset(err, 0, sizeof(*err));
	config_default(config);
	ret = config_read(config, path, err);
	unlink(path);
	return ret;
}

static void test_good(void **state)
{
	struct config config;
	struct error err;

	(void)state;
	assert_int_equal(read_text("target = UUID=1234-5678\n"
				   "level=-3\n"
				   "  workers\t=  4  \n"
				   "verify = yes\n"
				   "allow_plaintext = yes\n"
				   "all = on\n"
				   "rehearse = no\n"
				   "always_boot = yes\n"
				   "kernel = /boot/a kernel\n"
				   "initramfs = /boot/initramfs.img\n"
				   "home = 127M\n"
				   "jump = module\n"
				   "cmdline = loglevel=7 x=\"a b\"",
				   &config, &err),
			 0);
	assert_string_equal(config.target, "UUID=1234-5678");
	assert_int_equal(config.level, -3);
	assert_int_equal(config.workers, 4);
	assert_true(config.verify);
	assert_true(config.allow_plaintext);
	assert_true(config.all);
	assert_false(config.rehearse);
	assert_true(config.always_boot);
	assert_string_equal(config.kernel, "/boot/a kernel");
	assert_string_equal(config.initramfs, "/boot/initramfs.img");
	assert_int_equal(config.home, 128 << 20);
	assert_int_equal(config.jump, JUMP_MODULE);
	assert_string_equal(config.cmdline, "loglevel=7 x=\"a b\"");
}

static void test_comments(void **state)
{
	struct config config;
	struct error err;

	(void)state;
	assert_int_equal(read_text("level = auto\n", &config, &err), 0);
	assert_int_equal(config.level, LEVEL_AUTO);
	assert_int_equal(read_text("# target = nowhere\n\n   # level = 19\n \t \nworkers = 2\n",
				   &config, &err),
			 0);
	assert_string_equal(config.target, "");
	assert_int_equal(config.level, LEVEL_AUTO);
	assert_int_equal(config.workers, 2);
}

static void test_last_counts(void **state)
{
	struct config config;
	struct error err;

	(void)state;
	assert_int_equal(
		read_text("target = a\ntarget = b\nverify = on\nverify = off\n", &config, &err), 0);
	assert_string_equal(config.target, "b");
	assert_false(config.verify);
}

static void test_bad_lines(void **state)
{
	/* The line that is wrong comes third; WORD is what the message must say about it. */
	static const struct {
		const char *line, *word;
	} cases[] = {
		{ "taget = /dev/sda1", "unknown key 'taget'" },
		{ "target", "key = value" },
		{ "= x", "unknown key ''" },
		{ "level = fast", "'fast'" },
		{ "level =", "number" },
		{ "level = 3x", "'3x'" },
		{ "level = 20", "from -20 to 19" },
		{ "level = automatic", "'automatic'" },
		{ "level = 99999999999999999999", "level" },
		{ "workers = -1", "workers" },
		{ "workers = 257", "256" },
		{ "verify = perhaps", "neither yes nor no" },
		{ "home = 128MB", "home" },
		{ "jump = kvm", "neither auto nor module nor kexec" },
		{ "home = 31M", "size from 32M" },
		{ "home = 3G", "size" },
		{ "home = -128M", "size" },
		{ "home = 18446744073709551615G", "size" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct config config;
		struct error err;
		char text[256];

		snprintf(text, sizeof(text), "# settings\n\n%s\nlevel = 5\n", cases[i].line);
		assert_int_equal(read_text(text, &config, &err), -EINVAL);
		assert_int_equal(err.code, EINVAL);
		assert_non_null(strstr(err.text, cases[i].word));
		assert_non_null(strstr(err.text, ":3: "));
		assert_non_null(strstr(err.text, "/tmp/kjump-config-"));
		assert_int_equal(config.level, LEVEL_AUTO);
	}
}

static void test_long_value(void **state)
{
	struct config config;
	struct error err;
	char text[512], value[257];

	(void)state;
	memset(value, 'x', 256);
	value[256] = '\0';
	snprintf(text, sizeof(text), "kernel = %s\n", value);
	assert_int_equal(read_text(text, &config, &err), -EINVAL);
	snprintf(text, sizeof(text), "kernel = %s\n", value + 1);
	assert_int_equal(read_text(text, &config, &err), 0);
	assert_string_equal(config.kernel, value + 1);
}

static void test_missing_file(void **state)
{
	struct config config;
	struct error err = { 0 };

	(void)state;
	config_default(&config);
	assert_int_equal(config_read(&config, "/tmp/kjump-no-such-file", &err), -ENOENT);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "/tmp/kjump-no-such-file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	    cmocka_unit_test(test_comments),
		cmocka_unit_test(test_last_counts), cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_long_value),  cmocka_unit_test(test_missing_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
