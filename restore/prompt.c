/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line that is typed and not shown. */
#include "restore/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/clock.h"
#include "restore/waiting.h"
#include "text/keyboard.h"

#define DELETE 0x7f

struct line {
	struct pollfd polls[TERMINALS_MAX];
	struct termios before[TERMINALS_MAX];
	bool changed[TERMINALS_MAX];
	enum keyboard_state keys[TERMINALS_MAX];
	size_t count;
	struct secret *secret;
	bool begun; /* somebody types */
};

void prompt_wipe(struct secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}

/* Keys arrive one by one and unseen; what was typed before is no part of it. */
static void begin(struct line *line, const struct terminals *terminals, const char *text)
{
	for (size_t i = 0; i < terminals->count; i++) {
		int fd = terminals->fds[i];
		struct termios raw;

		line->polls[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
		if (!tcgetattr(fd, &line->before[i])) {
			raw = line->before[i];
			raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | ISIG);
			raw.c_cc[VMIN] = 1;
			raw.c_cc[VTIME] = 0;
			line->changed[i] = !tcsetattr(fd, TCSANOW, &raw);
			tcflush(fd, TCIFLUSH);
		}
		dprintf(fd, "\rkjump: %s: ", text);
	}
	line->count = terminals->count;
}

static void end(struct line *line, const struct terminals *terminals)
{
	for (size_t i = 0; i < line->count; i++) {
		dprintf(terminals->fds[i], "\n");
		if (line->changed[i])
			tcsetattr(terminals->fds[i], TCSANOW, &line->before[i]);
	}
}

/* One byte of terminal AT. Returns 1 when the line is whole, 0 to go on, or -ECANCELED. */
static int take(struct line *line, size_t at, unsigned char byte)
{
	bool ground = line->keys[at] == KEYBOARD_GROUND;
	struct secret *secret = line->secret;

	line->begun = true;
	keyboard_byte(&line->keys[at], byte);
	/* Arrows and the like are no part of a passphrase. */
	if (!ground || line->keys[at] != KEYBOARD_GROUND)
		return 0;
	switch (byte) {
	case '\r':
	case '\n':
		return 1;
	case CTRL('C'):
	case CTRL('D'):
		return -ECANCELED;
	case CTRL('U'):
		secret->size = 0;
		return 0;
	case '\b':
	case DELETE:
		/* A whole character of UTF-8. */
		while (secret->size && (secret->bytes[--secret->size] & 0xc0) == 0x80)
			;
		return 0;
	default:
		/* One that is too long opens nothing, whatever it is. */
		if (secret->size < PROMPT_MAX)
			secret->bytes[secret->size++] = (char)byte;
		return 0;
	}
}

static int read_terminal(struct line *line, size_t at)
{
	unsigned char byte = 0;
	ssize_t got;
	int rc = 0;

	while (!rc && (got = read(line->polls[at].fd, &byte, 1)) == 1)
		rc = take(line, at, byte);
	explicit_bzero(&byte, 1);
	/* A terminal that is gone would be ready for ever. */
	if (!rc && (got == 0 || (errno != EAGAIN && errno != EINTR)))
		line->polls[at].fd = -1;
	return rc;
}

/* Nothing came for a while: an Esc before that was a key by itself. */
static int look_for_escape(struct line *line)
{
	for (size_t i = 0; i < line->count; i++)
		if (keyboard_silence(&line->keys[i]))
			return -ECANCELED;
	return 0;
}

static bool any_left(const struct line *line)
{
	for (size_t i = 0; i < line->count; i++)
		if (line->polls[i].fd >= 0)
			return true;
	return false;
}

static int read_line(struct line *line, uint64_t deadline)
{
	int rc = 0;

	while (!rc) {
		if (!any_left(line))
			return -ENODEV;
		if (!line->begun && clock_now() >= deadline)
			return -ETIMEDOUT;
		if (poll(line->polls, line->count, KEYBOARD_SILENCE_MS) <= 0) {
			rc = look_for_escape(line);
			continue;
		}
		for (size_t i = 0; i < line->count && !rc; i++)
			if (line->polls[i].revents)
				rc = read_terminal(line, i);
	}
	return rc < 0 ? rc : 0;
}

int prompt_terminals(const struct terminals *terminals, const char *text, uint32_t seconds,
		     struct secret *ret, struct error *err)
{
	struct line line = { .secret = ret };
	int rc;

	ret->size = 0;
	begin(&line, terminals, text);
	rc = read_line(&line, waiting_from(clock_now(), seconds).deadline);
	end(&line, terminals);
	if (!rc)
		return 0;
	prompt_wipe(ret);
	return error_set(err, -rc, "%s",
			 rc == -ENODEV	    ? "no console to ask for a passphrase on"
			 : rc == -ETIMEDOUT ? "nobody typed a passphrase"
					    : "no passphrase: stopped at the console");
}

/* --- Plymouth --------------------------------------------------------------------------------- */

static int start_client(const char *text, int output, pid_t *pid)
{
	char word[160];
	const char *const argv[] = { "plymouth", "ask-for-password", word, NULL };
	posix_spawn_file_actions_t actions;
	extern char **environ;
	int rc;

	snprintf(word, sizeof(word), "--prompt=%s", text);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
	rc = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* All that it prints; more than a secret holds is not kept. */
static void read_answer(int fd, struct secret *ret)
{
	char rest[64];
	ssize_t got;

	while ((got = read(fd, ret->bytes + ret->size, PROMPT_MAX - ret->size)) > 0)
		ret->size += (size_t)got;
	while (ret->size == PROMPT_MAX && read(fd, rest, sizeof(rest)) > 0)
		;
	explicit_bzero(rest, sizeof(rest));
	if (ret->size && ret->bytes[ret->size - 1] == '\n')
		ret->size--;
}

int prompt_splash(const char *text, struct secret *ret, struct error *err)
{
	int pipes[2], rc, status;
	pid_t pid;

	ret->size = 0;
	if (pipe2(pipes, O_CLOEXEC))
		return error_errno(err, "pipe");
	rc = start_client(text, pipes[1], &pid);
	close(pipes[1]);
	if (!rc)
		read_answer(pipes[0], ret);
	close(pipes[0]);
	if (rc)
		return error_set(err, ENOENT, "plymouth: %s", strerror(rc));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	prompt_wipe(ret);
	return error_set(err, ECANCELED, "no passphrase: Plymouth has none");
}
