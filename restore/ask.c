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
#include "text/files.h"

#define TERMINALS_MAX 8

struct terminal {
	struct termios before;
	bool changed;
};

/* Keys arrive one by one and unseen; what was typed before the question is no answer to it. */
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
	terminal->changed = !tcsetattr(fd, TCSAFLUSH, &raw);
}

static bool is_answer(char key)
{
	return key == ANSWER_GO_ON || key == ANSWER_POWER_OFF || key == ANSWER_RETRY;
}

/* The key that was pressed on one terminal; 0 when it is none that counts. */
static char read_key(struct pollfd *poll_fd)
{
	ssize_t size;
	char key;

	if (!poll_fd->revents)
		return 0;
	size = read(poll_fd->fd, &key, 1);
	if (size == 1) {
		key = (char)tolower((unsigned char)key);
		return is_answer(key) ? key : 0;
	}
	/* A terminal that is gone would be ready for ever. */
	if (size == 0 || (errno != EAGAIN && errno != EINTR))
		poll_fd->fd = -1;
	return 0;
}

static enum answer wait_answer(struct pollfd *polls, size_t count, unsigned seconds)
{
	uint64_t deadline = clock_now() + seconds * CLOCK_SECOND;
	uint64_t now;

	while ((now = clock_now()) < deadline) {
		int left = (int)((deadline - now) / (CLOCK_SECOND / 1000)) + 1;

		if (poll(polls, count, left) <= 0)
			continue;
		for (size_t i = 0; i < count; i++) {
			char key = read_key(&polls[i]);

			if (key)
				return (enum answer)key;
		}
	}
	return ANSWER_GO_ON;
}

enum answer ask_terminals(const int *terminals, size_t count, unsigned seconds)
{
	struct terminal states[TERMINALS_MAX];
	struct pollfd polls[TERMINALS_MAX];
	enum answer answer;

	if (count > TERMINALS_MAX)
		count = TERMINALS_MAX;
	for (size_t i = 0; i < count; i++) {
		prepare(terminals[i], &states[i]);
		polls[i] = (struct pollfd){ .fd = terminals[i], .events = POLLIN };
		dprintf(terminals[i],
			"kjump: r: try again, p: power off, the image stays; "
			"c: boot on without it (in %u s by itself)\n",
			seconds);
	}
	answer = wait_answer(polls, count, seconds);
	for (size_t i = 0; i < count; i++)
		if (states[i].changed)
			tcsetattr(terminals[i], TCSANOW, &states[i].before);
	return answer;
}

enum answer ask_consoles(unsigned seconds)
{
	char text[256], *rest = NULL;
	int terminals[TERMINALS_MAX] = { 0 };
	size_t count = 0;
	enum answer answer;

	if (file_read_start("/sys/class/tty/console/active", text, sizeof(text)) <= 0)
		snprintf(text, sizeof(text), "console");
	for (char *name = strtok_r(text, " \n", &rest); name && count < TERMINALS_MAX;
	     name = strtok_r(NULL, " \n", &rest)) {
		char path[300];

		snprintf(path, sizeof(path), "/dev/%s", name);
		terminals[count] = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		if (terminals[count] >= 0)
			count++;
	}
	answer = ask_terminals(terminals, count, count ? seconds : 0);
	while (count)
		close(terminals[--count]);
	return answer;
}
