/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The question after a failed restore, on pseudo terminals.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "restore/ask.h"
#include "restore/waiting.h"

struct console {
	int keyboard, terminal;
};

static struct console open_console(void)
{
	struct console console = { .keyboard = posix_openpt(O_RDWR | O_NOCTTY) };

	assert_true(console.keyboard >= 0);
	assert_int_equal(grantpt(console.keyboard), 0);
	assert_int_equal(unlockpt(console.keyboard), 0);
	console.terminal = open(ptsname(console.keyboard), O_RDWR | O_NOCTTY | O_NONBLOCK);
	assert_true(console.terminal >= 0);
	return console;
}

static void close_console(struct console console)
{
	close(console.keyboard);
	close(console.terminal);
}

struct typist {
	int keyboard;
	const char *keys;
};

/* Reads the question, so that the keys come after it, and types. */
static void *type(void *argument)
{
	const struct typist *typist = argument;
	char question[256];

	if (read(typist->keyboard, question, sizeof(question)) <= 0 ||
	    write(typist->keyboard, typist->keys, strlen(typist->keys)) < 0)
		return NULL;
	return argument;
}

static enum answer ask_typing(struct console *consoles, size_t count, size_t at, const char *keys,
			      unsigned seconds)
{
	struct typist typist = { consoles[at].keyboard, keys };
	int terminals[2] = { 0 };
	enum answer answer;
	pthread_t thread;
	void *done;

	for (size_t i = 0; i < count; i++)
		terminals[i] = consoles[i].terminal;
	assert_int_equal(pthread_create(&thread, NULL, type, &typist), 0);
	answer = ask_terminals(terminals, count, seconds, true);
	assert_int_equal(pthread_join(thread, &done), 0);
	assert_non_null(done);
	return answer;
}

static void test_answers(void **state)
{
	static const struct {
		const char *keys;
		enum answer answer;
	} cases[] = {
		{ "r", ANSWER_RETRY }, { "R", ANSWER_RETRY },	      { "p", ANSWER_POWER_OFF },
		{ "c", ANSWER_GO_ON }, { "x\r?p", ANSWER_POWER_OFF }, { "\033[Ar", ANSWER_RETRY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct console console = open_console();
		uint64_t begun = clock_now();

		assert_int_equal(ask_typing(&console, 1, 0, cases[i].keys, 20), cases[i].answer);
		assert_true(clock_now() - begun < 10 * CLOCK_SECOND);
		close_console(console);
	}
}

static void test_nobody_answers(void **state)
{
	struct console console = open_console();
	uint64_t begun = clock_now();

	(void)state;
	assert_int_equal(ask_typing(&console, 1, 0, "xyz\r", 1), ANSWER_GO_ON);
	assert_true(clock_now() - begun >= CLOCK_SECOND);
	close_console(console);
}

static void test_every_terminal_counts(void **state)
{
	struct console consoles[] = { open_console(), open_console() };

	(void)state;
	assert_int_equal(ask_typing(consoles, 2, 1, "p", 20), ANSWER_POWER_OFF);
	close_console(consoles[0]);
	close_console(consoles[1]);
}

/* One that is gone neither answers nor keeps the other from answering, nor the time from passing.
 */
static void test_dead_terminal(void **state)
{
	struct console consoles[] = { open_console(), open_console() };
	int dead;

	(void)state;
	close(consoles[0].keyboard);
	assert_int_equal(ask_typing(consoles, 2, 1, "r", 20), ANSWER_RETRY);
	dead = consoles[0].terminal;
	assert_int_equal(ask_terminals(&dead, 1, 1, true), ANSWER_GO_ON);
	close(dead);
	close_console(consoles[1]);
}

static void test_typed_before(void **state)
{
	struct console console = open_console();

	(void)state;
	assert_int_equal(write(console.keyboard, "p\r", 2), 2);
	/* It takes a moment to arrive at the other end. */
	assert_int_equal(
		poll(&(struct pollfd){ .fd = console.terminal, .events = POLLIN }, 1, 5000), 1);
	assert_int_equal(ask_typing(&console, 1, 0, "r", 20), ANSWER_RETRY);
	close_console(console);
}

static void test_terminal_is_left_as_found(void **state)
{
	struct console console = open_console();
	struct termios before, after;

	(void)state;
	assert_int_equal(tcgetattr(console.terminal, &before), 0);
	assert_int_equal(ask_typing(&console, 1, 0, "c", 20), ANSWER_GO_ON);
	assert_int_equal(tcgetattr(console.terminal, &after), 0);
	assert_int_equal(before.c_lflag, after.c_lflag);
	assert_true(after.c_lflag & ECHO);
	close_console(console);
}

/* What stands on the terminal when nobody answers within SECONDS. */
static void read_question(unsigned seconds, bool retry, char *text, size_t size)
{
	struct console console = open_console();
	struct pollfd poll_fd = { .fd = console.keyboard, .events = POLLIN };
	size_t used = 0;

	assert_int_equal(ask_terminals(&console.terminal, 1, seconds, retry), ANSWER_GO_ON);
	/* It comes in pieces. */
	while (poll(&poll_fd, 1, 200) > 0) {
		ssize_t got = read(console.keyboard, text + used, size - 1 - used);

		assert_true(got > 0);
		used += (size_t)got;
	}
	text[used] = '\0';
	close_console(console);
}

static void test_counts_down(void **state)
{
	char text[1024];

	(void)state;
	read_question(2, true, text, sizeof(text));
	assert_non_null(strstr(text, "r: try again"));
	assert_non_null(strstr(text, "the image stays"));
	assert_non_null(strstr(text, "in 2 s"));
	assert_non_null(strstr(text, "in 1 s"));
	assert_non_null(strchr(text, '\n'));
}

/* An image that was marked stale neither stays nor is tried again. */
static void test_lost(void **state)
{
	struct console console = open_console();
	char text[1024];

	(void)state;
	read_question(1, false, text, sizeof(text));
	assert_null(strstr(text, "try again"));
	assert_null(strstr(text, "stays"));
	assert_non_null(strstr(text, "p: power off"));
	assert_int_equal(write(console.keyboard, "r", 1), 1);
	assert_int_equal(ask_terminals(&console.terminal, 1, 1, false), ANSWER_GO_ON);
	close_console(console);
}

/* A machine whose consoles are those in its /dev. */
static char root[] = "/tmp/kjump-ask-XXXXXX";

static int start(void **state)
{
	char path[128];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "mkdir -p %s/dev %s/sys/class/tty/console", root, root);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/sys/class/tty/console/active", root);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("tty0 ttyS0\n", file);
	fclose(file);
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	return 0;
}

/* Comes late: a console appears after half a second, or DIES first and another one appears. */
struct late {
	int dies;
	struct console console;
	bool done;
};

static void *appear(void *argument)
{
	struct late *late = argument;
	char path[128], question[256];

	usleep(500000);
	snprintf(path, sizeof(path), "%s/dev/ttyS0", root);
	if (late->dies >= 0) {
		unlink(path);
		close(late->dies);
		usleep(500000);
	}
	if (!symlink(ptsname(late->console.keyboard), path) &&
	    read(late->console.keyboard, question, sizeof(question)) > 0)
		late->done = write(late->console.keyboard, "p", 1) == 1;
	return NULL;
}

/* Whoever waits without end waits for a console as well: nobody has decided anything. */
static void test_no_console_yet(void **state)
{
	struct late late = { .dies = -1, .console = open_console() };
	pthread_t thread;

	(void)state;
	assert_int_equal(ask_consoles(root, 20, true), ANSWER_GO_ON);
	assert_int_equal(pthread_create(&thread, NULL, appear, &late), 0);
	assert_int_equal(ask_consoles(root, WAIT_FOREVER, true), ANSWER_POWER_OFF);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(late.done);
	close_console(late.console);
}

/* One that dies while it is asked on leaves the question to the next one. */
static void test_console_dies(void **state)
{
	struct console first = open_console();
	struct late late = { .dies = first.keyboard, .console = open_console() };
	char path[128];
	pthread_t thread;

	(void)state;
	snprintf(path, sizeof(path), "%s/dev/ttyS0", root);
	assert_int_equal(symlink(ptsname(first.keyboard), path), 0);
	assert_int_equal(pthread_create(&thread, NULL, appear, &late), 0);
	assert_int_equal(ask_consoles(root, WAIT_FOREVER, true), ANSWER_POWER_OFF);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(late.done);
	close(first.terminal);
	close_console(late.console);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_nobody_answers),
		cmocka_unit_test(test_every_terminal_counts),
		cmocka_unit_test(test_dead_terminal),
		cmocka_unit_test(test_typed_before),
		cmocka_unit_test(test_terminal_is_left_as_found),
		cmocka_unit_test(test_counts_down),
		cmocka_unit_test(test_lost),
		cmocka_unit_test_setup_teardown(test_no_console_yet, start, end),
		cmocka_unit_test_setup_teardown(test_console_dies, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
