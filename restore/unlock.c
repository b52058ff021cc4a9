/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tries. */
#include "restore/unlock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/signals.h"
#include "restore/keyring.h"
#include "restore/prompt.h"
#include "restore/splash.h"
#include "restore/waiting.h"

#define PROMPT	     "Passphrase for the saved system"
#define PROMPT_AGAIN "That did not open it. " PROMPT
/* As long as the keyring has it. */
#define ANSWER_SECONDS 150

/* Neither swapped out nor looked into. */
static void hide(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

/* --- the command ------------------------------------------------------------------------------ */

static int start(char *const command[], int input, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	extern char **environ;
	int code;

	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	signals_default(&attributes);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	code = posix_spawnp(pid, command[0], &actions, &attributes, command, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return code;
}

/* The status that COMMAND ends with, or a negative errno value. A pipe takes the whole secret. */
static int feed(char *const command[], const struct secret *secret, struct error *err)
{
	int pipes[2], status, code;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return error_errno(err, "pipe");
	signals_ignore_pipe();
	code = write(pipes[1], secret->bytes, secret->size) == (ssize_t)secret->size ? 0 : EIO;
	close(pipes[1]);
	if (!code)
		code = start(command, pipes[0], &pid);
	close(pipes[0]);
	if (code)
		return error_set(err, code, "%s: %s", command[0], strerror(code));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, "%s", command[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- tries ------------------------------------------------------------------------------------ */

/* By the splash where there is one: its client says no when the screen is not the splash's. */
static int ask(const struct unlock_source *source, bool again, struct secret *ret,
	       struct error *err)
{
	const char *text = again ? PROMPT_AGAIN ", or Esc" : PROMPT ", or Esc";
	struct terminals terminals;
	struct splash splash;
	int rc;

	if (splash_open(&splash)) {
		rc = prompt_splash(again ? PROMPT_AGAIN : PROMPT, ret, err);
		splash_close(&splash, "");
		return rc;
	}
	terminals_open(&terminals, source->consoles, source->devices);
	rc = prompt_terminals(&terminals, text, source->seconds, ret, err);
	terminals_close(&terminals);
	return rc;
}

/* Try one; true when that settles it. */
static bool try(char *const command[], const struct secret *secret, enum exit_code *ret)
{
	struct error err = { 0 };
	int status = feed(command, secret, &err);

	*ret = status ? EXIT_FAILED : EXIT_DONE;
	if (status < 0)
		message("%s; the key stays locked", err.text);
	else if (status && status != UNLOCK_WRONG)
		message("%s: status %d; the key stays locked", command[0], status);
	return status != UNLOCK_WRONG;
}

static enum exit_code ask_and_try(const struct unlock_source *source, char *const command[],
				  struct secret *secret)
{
	enum exit_code code = EXIT_FAILED;
	struct error err = { 0 };

	for (unsigned i = 0; i < UNLOCK_TRIES; i++) {
		int rc = ask(source, i, secret, &err);

		if (rc) {
			message("%s; the key stays locked", err.text);
			return rc == -ECANCELED || rc == -ETIMEDOUT ? EXIT_ABORTED : EXIT_FAILED;
		}
		if (try(command, secret, &code)) {
			if (!code)
				keyring_put(secret->bytes, secret->size);
			return code;
		}
		message("this passphrase does not open the key");
	}
	message("%d passphrases did not; the key stays locked", UNLOCK_TRIES);
	return EXIT_FAILED;
}

enum exit_code unlock_run(const struct unlock_source *source, char *const command[])
{
	enum exit_code code = EXIT_FAILED;
	struct secret secret = { 0 };

	hide();
	secret.size = keyring_get(secret.bytes, sizeof(secret.bytes));
	if (!secret.size || !try(command, &secret, &code))
		code = ask_and_try(source, command, &secret);
	prompt_wipe(&secret);
	return code;
}

/* --- somebody else's question ----------------------------------------------------------------- */

/* Whoever asks makes the FIFO, and reads from it while the question stands there. */
static int open_answer(const char *path)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	const uint64_t deadline = clock_now() + ANSWER_SECONDS * CLOCK_SECOND;
	int fd;

	while ((fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0 && clock_now() < deadline)
		nanosleep(&pause, NULL);
	return fd;
}

enum exit_code unlock_answer(const char *path)
{
	struct secret secret = { 0 };
	bool written = false;
	int fd;

	hide();
	signals_ignore_pipe();
	if (!keyring_get(secret.bytes, sizeof(secret.bytes)))
		return EXIT_NO_IMAGE;
	/* Not held while nobody asks. */
	prompt_wipe(&secret);
	fd = open_answer(path);
	if (fd < 0)
		return EXIT_FAILED;
	secret.size = keyring_get(secret.bytes, sizeof(secret.bytes));
	if (secret.size)
		written = write(fd, secret.bytes, secret.size) == (ssize_t)secret.size;
	prompt_wipe(&secret);
	close(fd);
	return written ? EXIT_DONE : EXIT_FAILED;
}
