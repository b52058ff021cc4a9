/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A question on the consoles, answered with one key and without Enter. */
#include "restore/ask.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/clock.h"
#include "restore/waiting.h"
#include "text/files.h"

#define TERMINALS_MAX 8

struct terminal {
	struct termios before;
	bool changed;
};

/*
 * Keys arrive one by one and unseen; what was typed before the question is no answer to it. Nothing
 * waits for output that is still on its way (TCSAFLUSH would): on a serial line whose other end has
 * stopped it, that is for ever.
 */
static void prepare(int fd, struct terminal *terminal)
{
	struct termios raw;

	terminal->changed = false;
	if (tcgetattr(fd, &terminal->before))
		return;
	raw = terminal->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	terminal->changed = !tcsetattr(fd, TCSANOW, &raw);
	tcflush(fd, TCIFLUSH);
}

/* The open terminals, and what is asked on them. */
struct question {
	struct pollfd polls[TERMINALS_MAX];
	size_t count;
	bool retry;
	uint64_t deadline;
	uint32_t told; /* the seconds left as they stand there */
};

static bool is_answer(const struct question *question, char key)
{
	return key == ANSWER_GO_ON || key == ANSWER_POWER_OFF ||
	       (key == ANSWER_RETRY && question->retry);
}

/* The line is written over: what is left counts down where it stands. */
static void tell(struct question *question, uint32_t left)
{
	char time[40] = "";

	question->told = left;
	if (left != WAIT_FOREVER)
		snprintf(time, sizeof(time), " (in %u s by itself)", left);
	for (size_t i = 0; i < question->count; i++) {
		if (question->polls[i].fd >= 0)
			dprintf(question->polls[i].fd, "\rkjump: %s, c: boot on without it%s ",
				question->retry ? "r: try again, p: power off, the image stays"
						: "the image is lost; p: power off",
				time);
	}
}

/* The key that was pressed on one terminal; 0 when it is none that counts. */
static char read_key(const struct question *question, struct pollfd *poll_fd)
{
	ssize_t size;
	char key;

	if (!poll_fd->revents)
		return 0;
	size = read(poll_fd->fd, &key, 1);
	if (size == 1) {
		key = (char)tolower((unsigned char)key);
		return is_answer(question, key) ? key : 0;
	}
	/* A terminal that is gone would be ready for ever. */
	if (size == 0 || (errno != EAGAIN && errno != EINTR))
		poll_fd->fd = -1;
	return 0;
}

/* Whole seconds until the deadline, rounded up. */
static uint32_t seconds_left(uint64_t deadline)
{
	uint64_t now = clock_now();

	if (deadline == WAITING_FOREVER)
		return WAIT_FOREVER;
	return now >= deadline ? 0 : (uint32_t)((deadline - now + CLOCK_SECOND - 1) / CLOCK_SECOND);
}

/* Is there a terminal yet, or still, on which somebody may answer? */
static bool somebody_may_answer(const struct question *question)
{
	for (size_t i = 0; i < question->count; i++) {
		if (question->polls[i].fd >= 0)
			return true;
	}
	return false;
}

static enum answer wait_answer(struct question *question)
{
	uint32_t left;

	while ((left = seconds_left(question->deadline))) {
		if (left == WAIT_FOREVER && !somebody_may_answer(question))
			return ANSWER_NOBODY;
		if (left != question->told)
			tell(question, left);
		if (poll(question->polls, question->count, 100) <= 0)
			continue;
		for (size_t i = 0; i < question->count; i++) {
			char key = read_key(question, &question->polls[i]);

			if (key)
				return (enum answer)key;
		}
	}
	return ANSWER_GO_ON;
}

enum answer ask_terminals(const int *terminals, size_t count, uint32_t seconds, bool retry)
{
	struct question question = { .count = count < TERMINALS_MAX ? count : TERMINALS_MAX,
				     .retry = retry,
				     .deadline = waiting_from(clock_now(), seconds).deadline };
	struct terminal states[TERMINALS_MAX];
	enum answer answer;

	for (size_t i = 0; i < question.count; i++) {
		prepare(terminals[i], &states[i]);
		question.polls[i] = (struct pollfd){ .fd = terminals[i], .events = POLLIN };
	}
	tell(&question, seconds);
	answer = wait_answer(&question);
	for (size_t i = 0; i < question.count; i++) {
		dprintf(terminals[i], "\n");
		if (states[i].changed)
			tcsetattr(terminals[i], TCSANOW, &states[i].before);
	}
	return answer;
}

/* Ask on the consoles that can be opened now. */
static enum answer ask_open_consoles(const char *root, uint32_t seconds, bool retry)
{
	char path[512], text[256], *rest = NULL;
	int terminals[TERMINALS_MAX] = { 0 };
	size_t count = 0;
	enum answer answer;

	snprintf(path, sizeof(path), "%s/sys/class/tty/console/active", root);
	if (file_read_start(path, text, sizeof(text)) <= 0)
		snprintf(text, sizeof(text), "console");
	for (char *name = strtok_r(text, " \n", &rest); name && count < TERMINALS_MAX;
	     name = strtok_r(NULL, " \n", &rest)) {
		snprintf(path, sizeof(path), "%s/dev/%s", root, name);
		terminals[count] = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		if (terminals[count] >= 0)
			count++;
	}
	if (!count && seconds != WAIT_FOREVER)
		seconds = 0;
	answer = ask_terminals(terminals, count, seconds, retry);
	while (count)
		close(terminals[--count]);
	return answer;
}

enum answer ask_consoles(const char *root, uint32_t seconds, bool retry)
{
	struct waiting waiting = waiting_from(clock_now(), WAIT_FOREVER);
	struct error missing = { 0 };
	enum answer answer;

	error_set(&missing, ENODEV, "no console to ask on, and somebody has to answer");
	do {
		answer = ask_open_consoles(root, seconds, retry);
	} while (answer == ANSWER_NOBODY && waiting_goes_on(&waiting, &missing));
	return answer;
}
