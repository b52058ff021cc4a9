/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines by which somebody writes to the target at each boot.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kjump/check/checks.h"
#include "tests/unit/fake-root.h"

static void test_activation(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(check_activation(&preflight, &note), PREFLIGHT_UNKNOWN);
	put("/dev/target", "");
	put("/dev/other", "");
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "%s/dev/target", root);
	assert_int_equal(check_activation(&preflight, &note), 0);
	snprintf(text, sizeof(text),
		 "# %s/dev/target none swap sw 0 0\n"
		 "%s/dev/other none swap sw 0 0\n"
		 "a line that is none\n"
		 "%s/dev/target /data ext4 defaults 0 0\n",
		 root, root, root);
	put("/etc/fstab", text);
	assert_int_equal(check_activation(&preflight, &note), 0);
	snprintf(text, sizeof(text), "%s/dev/../dev/target\tnone\tswap\tsw\t0 0\n", root);
	put("/etc/fstab", text);
	assert_int_equal(check_activation(&preflight, &note), -EBUSY);
	assert_non_null(strstr(note.text, "/etc/fstab makes swap of"));

	drop("/etc/fstab");
	snprintf(text, sizeof(text),
		 "# cryptswap %s/dev/target /dev/urandom swap\n"
		 "data %s/dev/target none luks,swapped\n"
		 "short %s/dev/target\n",
		 root, root, root);
	put("/etc/crypttab", text);
	assert_int_equal(check_activation(&preflight, &note), 0);
	snprintf(text, sizeof(text),
		 "cryptswap %s/dev/target /dev/urandom cipher=aes,swap,size=256\n", root);
	put("/etc/crypttab", text);
	assert_int_equal(check_activation(&preflight, &note), -EBUSY);
	assert_non_null(strstr(note.text, "/etc/crypttab makes encrypted swap of"));
}

/* Lines of crypttab and fstab, by which the target is written to at each boot, or not. */
static int activated(const char *name, const char *rest, const char *fstab)
{
	char text[512];

	put("/dev/target", "");
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "%s/dev/target", root);
	snprintf(text, sizeof(text), "other /dev/null none\n%s\t%s/dev/target  %s\n", name, root,
		 rest);
	put("/etc/crypttab", text);
	put("/etc/fstab", fstab);
	return check_activation(&preflight, &note);
}

static void test_activation_by_crypttab(void **state)
{
	static const char *const made_anew[] = {
		"/dev/urandom tmp",
		"/dev/urandom plain,tmp=ext4",
		"/etc/key size=256,tmp,nofail",
		"/dev/urandom plain",
		"/dev/random plain,cipher=aes-xts-plain64",
		"/dev/urandom",
		"/dev/hwrng plain",
		"/dev/hw_random plain",
		"none swap",
	};
	static const char *const left_alone[] = {
		"none luks",	   "/etc/key plain",  "none", "", "/etc/urandom luks",
		"none luks,tmpfs", "none luks # tmp",
	};
	const char *mapped = "/dev/mapper/safe none swap sw 0 0\n";

	(void)state;
	for (size_t i = 0; i < sizeof(made_anew) / sizeof(*made_anew); i++) {
		assert_int_equal(activated("safe", made_anew[i], ""), -EBUSY);
		assert_non_null(strstr(note.text, "/etc/crypttab"));
		assert_int_equal(activated("#safe", made_anew[i], ""), 0);
		assert_int_equal(activated("  # safe", made_anew[i], ""), 0);
	}
	for (size_t i = 0; i < sizeof(left_alone) / sizeof(*left_alone); i++) {
		assert_int_equal(activated("safe", left_alone[i], ""), 0);
		assert_int_equal(activated("safer", left_alone[i], mapped), 0);
		assert_int_equal(activated("safe", left_alone[i],
					   "/dev/mapper/safe /data ext4 defaults 0 0\n"),
				 0);
		/* The name of it is what is swapped to. */
		assert_int_equal(activated("safe", left_alone[i], mapped), -EBUSY);
		assert_non_null(strstr(note.text, "/etc/fstab makes swap of /dev/mapper/safe"));
	}
}

/* A unit of systemd in place of a line. */
static void test_activation_by_unit(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(activated("safe", "none luks", ""), 0);
	snprintf(text, sizeof(text), "[Unit]\n#What=%s/dev/target\n[Swap]\nWhat=/dev/null\n", root);
	put("/etc/systemd/system/dev-other.swap", text);
	snprintf(text, sizeof(text), "[Mount]\nWhat=%s/dev/target\n", root);
	put("/etc/systemd/system/data.mount", text);
	assert_int_equal(activated("safe", "none luks", ""), 0);
	snprintf(text, sizeof(text), "[Swap]\nPriority=1\nWhat = %s/dev/target \n", root);
	put("/etc/systemd/system/dev-target.swap", text);
	assert_int_equal(activated("safe", "none luks", ""), -EBUSY);
	assert_non_null(strstr(note.text, "/dev-target.swap makes swap of"));
}

#define test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_activation),
		test(test_activation_by_crypttab),
		test(test_activation_by_unit),
	};

	return cmocka_run_group_tests_name("activation", tests, NULL, NULL);
}
