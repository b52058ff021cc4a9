/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that run around a jump, in a folder of their own.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "kjump/save/hooks.h"
#include "tests/unit/fake-root.h"

#define LOG "/log"

/* A program at PATH that notes its name and what it was told, and does COMMANDS. */
static void put_program(const char *path, const char *commands)
{
	char script[1024], full[512];

	snprintf(script, sizeof(script),
		 "#!/bin/sh\necho \"${0##*/} $* $SYSTEMD_SLEEP_ACTION\" >> %s" LOG "\n%s\n", root,
		 commands);
	put(path, script);
	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(chmod(full, 0755), 0);
}

static void assert_log(const char *expected)
{
	char full[512], text[4096];
	FILE *file;
	size_t size;

	snprintf(full, sizeof(full), "%s" LOG, root);
	file = fopen(full, "r");
	assert_non_null(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = '\0';
	fclose(file);
	assert_string_equal(text, expected);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(root, "/tmp/kjump-hooks-XXXXXX");
	assert_non_null(mkdtemp(root));
	put(LOG, "");
	unsetenv("SYSTEMD_SLEEP_ACTION");
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static struct hooks hooks_of(const char *operation, bool sleep)
{
	return (struct hooks){
		.root = root, .operation = operation, .sleep = sleep, .seconds = 20
	};
}

static bool is_blocked(int number)
{
	sigset_t now;

	sigprocmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, number);
}

/* The administrator's before systemd's, by name; afterwards the other way round. */
static void test_order(void **state)
{
	struct hooks hooks = hooks_of("suspend-then-hibernate", true);
	struct error err = { 0 };

	(void)state;
	put_program("/etc/kjump.d/pre/20-b", "");
	put_program("/etc/kjump.d/pre/10-a", "");
	put_program("/etc/kjump.d/post/30-c", "");
	put_program("/usr/lib/systemd/system-sleep/network", "");
	assert_int_equal(hooks_pre(&hooks, &err), 0);
	assert_log("10-a pre suspend-then-hibernate \n20-b pre suspend-then-hibernate \n"
		   "network pre suspend-then-hibernate hibernate\n");
	assert_true(is_blocked(SIGINT));
	raise(SIGPIPE); /* whoever reads the messages has gone */
	put(LOG, "");
	hooks_post(&hooks);
	assert_log("network post suspend-then-hibernate hibernate\n"
		   "30-c post suspend-then-hibernate hibernate\n");
	assert_false(is_blocked(SIGINT));
}

/* Whoever listens for it knows that the machine is about to be suspended as well. */
static void test_hybrid_sleep(void **state)
{
	struct hooks hooks = hooks_of("hybrid-sleep", true);
	struct error err = { 0 };

	(void)state;
	put_program("/usr/lib/systemd/system-sleep/network", "");
	assert_int_equal(hooks_pre(&hooks, &err), 0);
	hooks_post(&hooks);
	assert_log("network pre hybrid-sleep hybrid-sleep\n"
		   "network post hybrid-sleep hybrid-sleep\n");
}

/* A checkpoint is no sleep. */
static void test_checkpoint(void **state)
{
	struct hooks hooks = hooks_of("checkpoint", false);
	struct error err = { 0 };

	(void)state;
	put_program("/etc/kjump.d/pre/a", "");
	put_program("/usr/lib/systemd/system-sleep/network", "");
	assert_int_equal(hooks_pre(&hooks, &err), 0);
	hooks_post(&hooks);
	assert_log("a pre checkpoint \n");
}

/* The first that refuses is named, and no other runs before; afterwards all of its own folder. */
static void test_refusal(void **state)
{
	struct hooks hooks = hooks_of("hibernate", true);
	struct error err = { 0 };

	(void)state;
	put_program("/etc/kjump.d/pre/1-fine", "");
	put_program("/etc/kjump.d/pre/2-busy", "exit 3");
	put_program("/etc/kjump.d/pre/3-late", "");
	put_program("/etc/kjump.d/post/1-fine", "exit 4");
	put_program("/etc/kjump.d/post/2-more", "");
	put_program("/usr/lib/systemd/system-sleep/network", "");
	assert_int_equal(hooks_pre(&hooks, &err), -ECANCELED);
	assert_non_null(strstr(err.text, "/etc/kjump.d/pre/2-busy: failed with status 3"));
	hooks_post(&hooks);
	assert_log("1-fine pre hibernate \n2-busy pre hibernate \n1-fine post hibernate \n"
		   "2-more post hibernate \n");
	assert_false(is_blocked(SIGTERM));
}

/* Whether messages are read is no matter of theirs: they have the signal as usual. */
static void test_pipe(void **state)
{
	struct hooks hooks = hooks_of("checkpoint", false);
	struct error err = { 0 };

	(void)state;
	put_program("/etc/kjump.d/pre/a", "kill -PIPE $$; sleep 1");
	assert_int_equal(hooks_pre(&hooks, &err), -ECANCELED);
	assert_non_null(strstr(err.text, "/etc/kjump.d/pre/a: killed by signal 13"));
	hooks_post(&hooks);
}

/* systemd's may fail, run at the same time, and do not hold up the system for ever. */
static void test_sleep_programs(void **state)
{
	struct hooks hooks = hooks_of("hibernate", true);
	uint64_t start = clock_now();
	struct error err = { 0 };

	(void)state;
	/* Each waits for the other. */
	put_program("/usr/lib/systemd/system-sleep/a",
		    "touch ${0%/*}/.a; while [ ! -e ${0%/*}/.b ]; do sleep 0.01; done; exit 1");
	put_program("/usr/lib/systemd/system-sleep/b",
		    "touch ${0%/*}/.b; while [ ! -e ${0%/*}/.a ]; do sleep 0.01; done");
	assert_int_equal(hooks_pre(&hooks, &err), 0);
	assert_true(clock_now() - start < hooks.seconds * CLOCK_SECOND);
	hooks.seconds = 1;
	put_program("/usr/lib/systemd/system-sleep/a", "sleep 60 & wait");
	start = clock_now();
	hooks_post(&hooks);
	assert_true(clock_now() - start >= CLOCK_SECOND / 2);
	assert_true(clock_now() - start < 20 * CLOCK_SECOND);
}

static void test_late(void **state)
{
	struct hooks hooks = hooks_of("hibernate", true);
	struct error err = { 0 };

	(void)state;
	hooks.seconds = 1;
	put_program("/etc/kjump.d/pre/slow", "trap '' INT TERM; sleep 60 & wait");
	assert_int_equal(hooks_pre(&hooks, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "slow: did not end in time"));
	hooks_post(&hooks);
}

/* What is no program of the administrator's, or was switched off, is left alone. */
static void test_left_alone(void **state)
{
	struct hooks hooks = hooks_of("hibernate", true);
	struct error err = { 0 };
	char path[512];

	(void)state;
	put_program("/etc/kjump.d/pre/a~", "");
	put_program("/etc/kjump.d/pre/.a", "");
	put_program("/etc/kjump.d/pre/a.dpkg-old", "");
	put_program("/etc/kjump.d/pre/a.rpmsave", "");
	put("/etc/kjump.d/pre/README", "not to be run\n");
	put("/etc/kjump.d/pre/folder/file", "");
	put("/usr/lib/systemd/system-sleep/x", "");
	snprintf(path, sizeof(path), "%s/usr/lib/systemd/system-sleep/masked", root);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(hooks_pre(&hooks, &err), 0);
	hooks_post(&hooks);
	assert_log("");
}

/* A program that has no interpreter is one that failed. */
static void test_no_program(void **state)
{
	struct hooks hooks = hooks_of("hibernate", true);
	struct error err = { 0 };
	char path[512];

	(void)state;
	put("/etc/kjump.d/pre/broken", "#!/nonexistent/sh\n");
	snprintf(path, sizeof(path), "%s/etc/kjump.d/pre/broken", root);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(hooks_pre(&hooks, &err), -ENOENT);
	assert_non_null(strstr(err.text, "broken: No such file"));
	hooks_post(&hooks);
}

/* Where /lib is a link to /usr/lib the folder is one; where it is not, there are two. */
static void test_folders(void **state)
{
	struct hooks hooks = hooks_of("hibernate", true);
	struct error err = { 0 };
	char path[512];

	(void)state;
	put_program("/usr/lib/systemd/system-sleep/a", "");
	snprintf(path, sizeof(path), "%s/lib", root);
	assert_int_equal(symlink("usr/lib", path), 0);
	assert_int_equal(hooks_pre(&hooks, &err), 0);
	assert_log("a pre hibernate hibernate\n");
	hooks_post(&hooks);
	drop("/lib");
	put(LOG, "");
	put_program("/lib/systemd/system-sleep/b", "");
	hooks = hooks_of("hibernate", true);
	assert_int_equal(hooks_pre(&hooks, &err), 0);
	hooks_post(&hooks);
	assert_log("a pre hibernate hibernate\nb pre hibernate hibernate\n"
		   "a post hibernate hibernate\nb post hibernate hibernate\n");
}

static void test_lock(void **state)
{
	(void)state;
	put_program("/usr/bin/loginctl", "");
	hooks_lock_sessions(root);
	assert_log("");
	put("/run/systemd/system/x", "");
	hooks_lock_sessions(root);
	assert_log("loginctl lock-sessions \n");
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_order),      test(test_checkpoint),	  test(test_refusal),
		test(test_pipe),       test(test_sleep_programs), test(test_late),
		test(test_left_alone), test(test_no_program),	  test(test_folders),
		test(test_lock),       test(test_hybrid_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
