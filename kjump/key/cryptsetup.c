/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running cryptsetup. */
#include "kjump/key/cryptsetup.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/printable.h"
#include "common/signals.h"

#define ARGUMENTS_MAX 24
/* cryptsetup(8), RETURN CODES */
#define NO_PERMISSION 2

const struct cryptsetup cryptsetup_running = { "cryptsetup", "/dev/mapper" };

/* A pipe that holds the secret and then ends; it is the reader's to be closed. */
static int fill_pipe(const void *secret, size_t size, struct error *err)
{
	int pipes[2];
	int ret;

	if (size > CRYPTSETUP_SECRET_MAX)
		return error_set(err, EFBIG, "more than %d bytes", CRYPTSETUP_SECRET_MAX);
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK))
		return error_errno(err, "pipe");
	ret = write(pipes[1], secret, size) == (ssize_t)size ? 0 : error_errno(err, "pipe");
	close(pipes[1]);
	/* It waits for the end, which is there; the flag is nobody's but ours. */
	if (!ret && fcntl(pipes[0], F_SETFL, 0))
		ret = error_errno(err, "pipe");
	if (ret)
		close(pipes[0]);
	return ret ? ret : pipes[0];
}

/*
 * The last line of what cryptsetup said, or the one before where that is but a warning: it prints
 * these last.
 */
static void keep_cause(char *text)
{
	static const char warning[] = "WARNING:";

	for (;;) {
		char *end = text + strlen(text), *start;

		while (end > text && strchr(" .\r\n", end[-1]))
			*--end = '\0';
		start = strrchr(text, '\n');
		if (!start)
			return;
		if (strncmp(start + 1, warning, strlen(warning))) {
			memmove(text, start + 1, strlen(start + 1) + 1);
			return;
		}
		*start = '\0';
	}
}

static void read_words(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while (length < size - 1 && (got = read(fd, text + length, size - 1 - length)))
		if (got > 0)
			length += (size_t)got;
		else if (errno != EINTR)
			break;
	text[length] = '\0';
	keep_cause(text);
	printable(text);
}

/*
 * Ours, with one more: libdevmapper makes the mapping's node by itself then, and udev leaves it
 * alone, whose rules would read it through the page cache.
 */
static char **make_environment(void)
{
	extern char **environ;
	size_t count = 0;
	char **ret;

	while (environ[count])
		count++;
	ret = calloc(count + 2, sizeof(*ret));
	if (ret) {
		memcpy(ret, environ, count * sizeof(*ret));
		ret[count] = (char *)"DM_DISABLE_UDEV=1";
	}
	return ret;
}

static int start(char *const argv[], int input, int output, pid_t *pid)
{
	char **environment = make_environment();
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int code;

	if (!environment)
		return ENOMEM;
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	signals_default(&attributes);
	posix_spawn_file_actions_init(&actions);
	if (input >= 0) {
		posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
		posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	}
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	code = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	free(environment);
	return code;
}

/* Start it, hear it out, and see how it ended. */
static int run(char *const argv[], int input, struct error *err)
{
	char words[1024] = "";
	int pipes[2], status, code;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return error_errno(err, "pipe");
	code = start(argv, input, pipes[1], &pid);
	close(pipes[1]);
	if (!code && input >= 0)
		read_words(pipes[0], words, sizeof(words));
	close(pipes[0]);
	if (code == ENOENT)
		return error_set(err, code,
				 "%s: not installed; Debian's package is cryptsetup-bin, others' "
				 "cryptsetup",
				 argv[0]);
	if (code)
		return error_set(err, code, "%s: %s", argv[0], strerror(code));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, "%s", argv[0]);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	code = WIFEXITED(status) && WEXITSTATUS(status) == NO_PERMISSION ? EACCES : EIO;
	if (*words)
		return error_set(err, code, "%s %s: %.160s", argv[0], argv[1], words);
	return error_set(err, code, "%s %s failed", argv[0], argv[1]);
}

int cryptsetup_run(const struct cryptsetup *cryptsetup, const char *const arguments[],
		   const void *secret, size_t size, struct error *err)
{
	const char *argv[ARGUMENTS_MAX] = { cryptsetup->program };
	int input = -1;
	int ret;

	for (size_t i = 0; arguments[i]; i++) {
		if (i + 2 >= ARGUMENTS_MAX)
			return error_set(err, E2BIG, "too many words for %s", cryptsetup->program);
		argv[i + 1] = arguments[i];
	}
	if (secret) {
		input = fill_pipe(secret, size, err);
		if (input < 0)
			return input;
	}
	ret = run((char *const *)argv, input, err);
	if (input >= 0)
		close(input);
	return ret;
}
