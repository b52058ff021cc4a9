/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys and sequences of bytes that only begin like one, and terminals that send them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "text/watcher.h"

/* After TEXT: 'q' for q, 'e' for Esc once it is silent, '-' for neither. */
static char judge(const char *text)
{
	enum keyboard_state state = KEYBOARD_GROUND;

	for (; *text; text++)
		if (keyboard_byte(&state, (unsigned char)*text))
			return 'q';
	return keyboard_silence(&state) ? 'e' : '-';
}

static void test_keys(void **state)
{
	static const struct {
		const char *text;
		char expected;
	} cases[] = {
		{ "", '-' },
		{ "q", 'q' },
		{ "Q", 'q' },
		{ "\x1b", 'e' },
		{ "abc\r\n\x03", '-' },
		{ "xq", 'q' },
		{ "\x1b[A", '-' },     /* arrow key */
		{ "\x1b[Aq", 'q' },    /* and then q */
		{ "\x1b[A\x1b", 'e' }, /* and then Esc */
		{ "\x1b[15;2~", '-' }, /* F5 with Shift */
		{ "\x1b[1;5qx", '-' }, /* q as the end of a sequence */
		{ "\x1b[1;5qq", 'q' },
		{ "\x1b[[A", '-' }, /* F1 of Linux's console */
		{ "\x1b[[Aq", 'q' },
		{ "\x1bOP", '-' }, /* F1 of others */
		{ "\x1bOq", '-' }, /* 1 of a keypad */
		{ "\x1bOPq", 'q' },
		{ "\x1bq", '-' }, /* Alt and q */
		{ "\x1bqq", 'q' },
		{ "\x1b\x1b", 'e' },
		{ "\x1b\x1b[A", '-' }, /* Alt and an arrow key */
		{ "\x1b[", '-' },      /* cut short: no key that counts */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (judge(cases[i].text) != cases[i].expected)
			fail_msg("case %zu: %c instead of %c", i, judge(cases[i].text),
				 cases[i].expected);
}

struct fixture {
	int master;
	char consoles[32];
	int slave; /* keeps the terminal from hanging up */
	struct termios before;
	struct terminals terminals;
	struct watcher watcher;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int fd;

	assert_non_null(fixture);
	fixture->master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(fixture->master >= 0);
	assert_int_equal(grantpt(fixture->master), 0);
	assert_int_equal(unlockpt(fixture->master), 0);
	fixture->slave = open(ptsname(fixture->master), O_RDWR | O_NOCTTY);
	assert_true(fixture->slave >= 0);
	assert_int_equal(tcgetattr(fixture->slave, &fixture->before), 0);
	strcpy(fixture->consoles, "/tmp/kjump-test-XXXXXX");
	fd = mkstemp(fixture->consoles);
	assert_true(fd >= 0);
	dprintf(fd,
		"missing0             -W- (EC  p  )    4:1\n"
		"null                 -W- (E      )    1:3\n"
		"%s               -W- (E  p a)    4:64\n",
		ptsname(fixture->master) + strlen("/dev/"));
	close(fd);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	terminals_close(&fixture->terminals);
	close(fixture->master);
	close(fixture->slave);
	unlink(fixture->consoles);
	free(fixture);
	return 0;
}

static void wait_ms(unsigned ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

static bool pressed_within(struct fixture *fixture, unsigned ms)
{
	for (; ms && !atomic_load(&fixture->watcher.pressed); ms -= 10)
		wait_ms(10);
	return atomic_load(&fixture->watcher.pressed);
}

static void type(struct fixture *fixture, const char *text)
{
	assert_int_equal(write(fixture->master, text, strlen(text)), strlen(text));
}

static void start(struct fixture *fixture)
{
	terminals_open(&fixture->terminals, fixture->consoles, "/dev");
	assert_true(watcher_start(&fixture->watcher, &fixture->terminals));
	assert_int_equal(fixture->watcher.count, 1);
}

static void test_q(void **state)
{
	struct fixture *fixture = *state;
	struct termios after;

	type(fixture, "q\n"); /* before anybody watched */
	wait_ms(100);
	start(fixture);
	assert_false(pressed_within(fixture, 300));
	type(fixture, "ab\x1b[C\x1bOQ");
	assert_false(pressed_within(fixture, 500));
	type(fixture, "q");
	assert_true(pressed_within(fixture, 10000));
	watcher_stop(&fixture->watcher);
	assert_int_equal(tcgetattr(fixture->slave, &after), 0);
	assert_int_equal(after.c_iflag, fixture->before.c_iflag);
	assert_int_equal(after.c_lflag, fixture->before.c_lflag);
	assert_int_equal(after.c_oflag, fixture->before.c_oflag);
	assert_int_equal(after.c_cflag, fixture->before.c_cflag);
	assert_int_equal(after.c_cc[VMIN], fixture->before.c_cc[VMIN]);
}

static void test_escape(void **state)
{
	struct fixture *fixture = *state;

	start(fixture);
	type(fixture, "\x1b");
	assert_true(pressed_within(fixture, 10000));
	watcher_stop(&fixture->watcher);
}

static void test_hangup(void **state)
{
	struct fixture *fixture = *state;

	start(fixture);
	close(fixture->master);
	fixture->master = open("/dev/null", O_RDONLY);
	assert_false(pressed_within(fixture, 100));
	watcher_stop(&fixture->watcher);
}

static void test_nothing_to_watch(void **state)
{
	struct terminals terminals;
	struct watcher watcher;

	(void)state;
	terminals_open(&terminals, "/tmp/kjump-no-such-file", "/dev");
	assert_false(watcher_start(&watcher, &terminals));
	assert_false(atomic_load(&watcher.pressed));
	watcher_stop(&watcher);
}

int main(void)
{
#define WITH_TERMINAL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		WITH_TERMINAL(test_q),
		WITH_TERMINAL(test_escape),
		WITH_TERMINAL(test_hangup),
		cmocka_unit_test(test_nothing_to_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
