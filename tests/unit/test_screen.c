/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is seen while an image is read, on pseudo terminals and by a splash screen that is a script.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "restore/screen.h"

#define CONSOLES 2
#define AGAIN_MS 1500

static char folder[] = "/tmp/kjump-screen-XXXXXX";
static char consoles[64], path[4096];
static int keyboards[CONSOLES];
static const struct screen_source source = { consoles, "/dev", true, AGAIN_MS };

/* Two terminals, and no splash screen. */
static int start(void **state)
{
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(consoles, sizeof(consoles), "%s/consoles", folder);
	file = fopen(consoles, "w");
	assert_non_null(file);
	for (size_t i = 0; i < CONSOLES; i++) {
		keyboards[i] = posix_openpt(O_RDWR | O_NOCTTY);
		assert_true(keyboards[i] >= 0);
		assert_int_equal(grantpt(keyboards[i]), 0);
		assert_int_equal(unlockpt(keyboards[i]), 0);
		fprintf(file, "%-20s -W- (EC p  )    4:%zu\n", ptsname(keyboards[i]) + 5, i);
	}
	fclose(file);
	snprintf(path, sizeof(path), "%s", getenv("PATH"));
	setenv("PATH", folder, 1);
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	for (size_t i = 0; i < CONSOLES; i++)
		close(keyboards[i]);
	setenv("PATH", path, 1);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	return 0;
}

static void rest(unsigned ms)
{
	usleep(ms * 1000);
}

/* Wait until WORDS stand on the terminal, for ten seconds at most. */
static bool is_shown(size_t console, const char *words)
{
	const uint64_t deadline = clock_now() + 10 * CLOCK_SECOND;
	char text[65536];
	size_t used = 0;

	while (clock_now() < deadline && used < sizeof(text) - 1) {
		struct pollfd poll_fd = { .fd = keyboards[console], .events = POLLIN };
		ssize_t got;

		if (poll(&poll_fd, 1, 100) <= 0)
			continue;
		got = read(keyboards[console], text + used, sizeof(text) - 1 - used);
		used += got > 0 ? (size_t)got : 0;
		text[used] = '\0';
		if (strstr(text, words))
			return true;
	}
	return false;
}

static void type(size_t console, const char *keys)
{
	assert_int_equal(write(keyboards[console], keys, strlen(keys)), strlen(keys));
}

static bool is_stopped(struct screen *screen)
{
	struct error err = { 0 };

	if (!screen_add(screen, 1, &err))
		return false;
	assert_int_equal(err.code, ECANCELED);
	return true;
}

/* Does it come to a stop within ten seconds? */
static bool stops(struct screen *screen)
{
	for (int i = 0; i < 100; i++) {
		if (is_stopped(screen))
			return true;
		rest(100);
	}
	return false;
}

static void test_bar(void **state)
{
	struct error err = { 0 };
	struct screen screen;

	(void)state;
	screen_open(&screen, &source, 1000);
	assert_int_equal(screen_add(&screen, 250, &err), 0);
	for (size_t i = 0; i < CONSOLES; i++) {
		assert_true(is_shown(i, "restoring: [####"));
		assert_true(is_shown(i, " 25 % "));
		assert_true(is_shown(i, "(Esc twice: boot without it)"));
	}
	screen_close(&screen);
}

static void test_twice(void **state)
{
	static const char *const keys[] = { "\033", "q", "Q" };

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct screen screen;

		screen_open(&screen, &source, 1000000);
		assert_true(is_shown(1, "Esc twice"));
		type(1, keys[i]);
		assert_true(is_shown(0, "Esc again"));
		assert_false(is_stopped(&screen));
		type(1, keys[i]);
		assert_true(stops(&screen));
		screen_close(&screen);
	}
}

/* Once is no answer, nor twice with a while between, nor other keys. */
static void test_once(void **state)
{
	struct screen screen;

	(void)state;
	screen_open(&screen, &source, 1000000);
	assert_true(is_shown(0, "Esc twice"));
	type(0, "c\r \033[A\033[15~");
	type(0, "\033");
	assert_true(is_shown(0, "Esc again"));
	assert_true(is_shown(0, "Esc twice"));
	assert_false(is_stopped(&screen));
	type(0, "\033");
	assert_true(is_shown(0, "Esc again"));
	rest(300);
	assert_false(is_stopped(&screen));
	screen_close(&screen);
}

/* Whoever reads these terminals next finds them as they were. */
static void test_terminals_as_before(void **state)
{
	struct termios before, now;
	struct screen screen;
	int terminal = open(ptsname(keyboards[0]), O_RDWR | O_NOCTTY);

	(void)state;
	assert_int_equal(tcgetattr(terminal, &before), 0);
	screen_open(&screen, &source, 10);
	assert_int_equal(tcgetattr(terminal, &now), 0);
	assert_int_equal(now.c_lflag & (ICANON | ECHO), 0);
	screen_close(&screen);
	assert_int_equal(tcgetattr(terminal, &now), 0);
	assert_int_equal(now.c_lflag, before.c_lflag);
	close(terminal);
}

static void test_quiet(void **state)
{
	struct screen screen;

	(void)state;
	screen_open(&screen, NULL, 2);
	type(0, "qq");
	rest(300);
	assert_false(is_stopped(&screen));
	screen_close(&screen);
}

/* A line for each tenth, where nobody sees a bar. */
static void test_lines(void **state)
{
	static const struct screen_source nowhere = { "/nonexistent", "/dev", true, AGAIN_MS };
	char name[64], text[4096] = "";
	struct error err = { 0 };
	struct screen screen;
	int saved = dup(STDERR_FILENO), file;

	(void)state;
	snprintf(name, sizeof(name), "%s/messages", folder);
	file = open(name, O_RDWR | O_CREAT, 0600);
	assert_true(file >= 0 && dup2(file, STDERR_FILENO) >= 0);
	screen_open(&screen, &nowhere, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(screen_add(&screen, 1, &err), 0);
	screen_close(&screen);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_true(pread(file, text, sizeof(text) - 1, 0) > 0);
	close(file);
	close(saved);
	assert_non_null(strstr(text, "reading the image: 10 %\n"));
	assert_non_null(strstr(text, "reading the image: 100 %\n"));
	assert_null(strstr(text, "restoring"));
}

/* --- splash screens -----------------------------------------------------------------------------
 */

/* A client that writes down what it is told; BODY is what else it does. */
static void make_client(const char *body)
{
	char name[64];
	FILE *file;

	snprintf(name, sizeof(name), "%s/plymouth", folder);
	file = fopen(name, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\nPATH=/usr/bin:/bin\necho \"$*\" >> %s/told\n%s\n", folder, body);
	fclose(file);
	assert_int_equal(chmod(name, 0700), 0);
}

static bool was_told(const char *words)
{
	char name[64], text[8192];
	ssize_t size;
	int fd;

	snprintf(name, sizeof(name), "%s/told", folder);
	for (int i = 0; i < 100; i++) {
		fd = open(name, O_RDONLY);
		size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		if (fd >= 0)
			close(fd);
		text[size > 0 ? size : 0] = '\0';
		if (strstr(text, words))
			return true;
		rest(100);
	}
	return false;
}

static void test_splash(void **state)
{
	struct error err = { 0 };
	struct screen screen;

	(void)state;
	make_client("[ \"$1\" != watch-keystroke ] || exec sleep 60");
	screen_open(&screen, &source, 1000);
	assert_int_equal(screen_add(&screen, 420, &err), 0);
	assert_true(was_told("display-message --text=Restoring the saved system: 40 % "
			     "(q twice: boot without it)\n"));
	assert_true(was_told("system-update --progress=40\n"));
	assert_true(was_told("watch-keystroke --keys=qQ\n"));
	assert_int_equal(screen_add(&screen, 180, &err), 0);
	/* One message at a time. */
	assert_true(was_told("hide-message --text=Restoring the saved system: 40 %"));
	assert_true(was_told("display-message --text=Restoring the saved system: 60 %"));
	screen_close(&screen);
	assert_true(was_told("ignore-keystroke --keys=qQ\n"
			     "hide-message --text=Restoring the saved system: 60 %"));
	/* It has screen and keyboard; nothing is written over it. */
	for (size_t i = 0; i < CONSOLES; i++) {
		struct pollfd poll_fd = { .fd = keyboards[i], .events = POLLIN };

		assert_int_equal(poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & POLLIN, 0);
	}
}

static void test_splash_stops(void **state)
{
	char body[256];
	struct screen screen;

	(void)state;
	snprintf(body, sizeof(body),
		 "[ \"$1\" = watch-keystroke ] || exit 0\n"
		 "until mv %s/key %s/used 2> /dev/null; do sleep 0.1; done",
		 folder, folder);
	make_client(body);
	screen_open(&screen, &source, 1000000);
	assert_true(was_told("watch-keystroke"));
	snprintf(body, sizeof(body), "%s/key", folder);
	close(open(body, O_CREAT | O_WRONLY, 0600));
	assert_true(was_told("display-message --text=Press q again"));
	assert_false(is_stopped(&screen));
	close(open(body, O_CREAT | O_WRONLY, 0600));
	assert_true(stops(&screen));
	screen_close(&screen);
}

/* A splash that hangs costs five seconds, once, and the consoles are there. */
static void test_splash_hangs(void **state)
{
	uint64_t begun = clock_now();
	struct screen screen;

	(void)state;
	make_client("exec sleep 60");
	screen_open(&screen, &source, 1000);
	assert_true(clock_now() - begun < 10 * CLOCK_SECOND);
	assert_true(is_shown(0, "restoring"));
	screen_close(&screen);

	make_client("[ \"$1\" = --ping ] || exec sleep 60");
	begun = clock_now();
	screen_open(&screen, &source, 1000);
	assert_true(was_told("display-message"));
	screen_close(&screen);
	assert_true(clock_now() - begun < 20 * CLOCK_SECOND);
}

/* One that knows no keys still shows how far it is. */
static void test_splash_without_keys(void **state)
{
	struct screen screen;

	(void)state;
	make_client("[ \"$1\" != watch-keystroke ]");
	screen_open(&screen, &source, 1000);
	assert_true(was_told("display-message"));
	rest(500);
	assert_false(is_stopped(&screen));
	screen_close(&screen);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bar),		 TEST(test_twice),
		TEST(test_once),	 TEST(test_terminals_as_before),
		TEST(test_quiet),	 TEST(test_lines),
		TEST(test_splash),	 TEST(test_splash_stops),
		TEST(test_splash_hangs), TEST(test_splash_without_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
