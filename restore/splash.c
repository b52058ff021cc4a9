/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/splash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define CLIENT "plymouth"
/* It answers at once; but a boot may be busy, and without a splash nobody sees what is asked. */
#define PATIENCE (5 * CLOCK_SECOND)

/* Start the client with one or two WORDS. Returns its process, or 0. */
static pid_t start(const char *word, const char *second)
{
	const char *const argv[] = { CLIENT, word, second, NULL };
	posix_spawn_file_actions_t actions;
	extern char **environ;
	pid_t pid;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
	rc = posix_spawnp(&pid, CLIENT, &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return rc ? 0 : pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/*
 * Run the client to its end; true when it succeeded. The daemon may hang, and a boot must not:
 * after that there is no splash for us any more.
 */
static bool run(struct splash *splash, const char *word, const char *second)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	const uint64_t deadline = clock_now() + PATIENCE;
	const pid_t pid = start(word, second);
	int status;

	if (!pid)
		return false;
	while (clock_now() < deadline) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		nanosleep(&pause, NULL);
	}
	stop(pid);
	splash->there = false;
	return false;
}

bool splash_open(struct splash *splash)
{
	*splash = (struct splash){ .percent = UINT32_MAX };
	splash->there = run(splash, "--ping", NULL);
	return splash->there;
}

static void hide(struct splash *splash)
{
	char word[160];

	if (!*splash->text || !splash->there)
		return;
	snprintf(word, sizeof(word), "--text=%s", splash->text);
	run(splash, "hide-message", word);
	*splash->text = '\0';
}

void splash_show(struct splash *splash, const char *text, unsigned percent)
{
	char word[160];

	/* Some themes write one message under the other. */
	if (strcmp(splash->text, text)) {
		hide(splash);
		snprintf(splash->text, sizeof(splash->text), "%s", text);
		snprintf(word, sizeof(word), "--text=%s", splash->text);
		if (splash->there)
			run(splash, "display-message", word);
	}
	if (percent == splash->percent || !splash->there)
		return;
	splash->percent = percent;
	snprintf(word, sizeof(word), "--progress=%u", percent);
	run(splash, "system-update", word);
}

bool splash_pressed(struct splash *splash, const char *keys)
{
	char word[32];
	int status;

	if (splash->keys > 0) {
		if (waitpid(splash->keys, &status, WNOHANG) != splash->keys)
			return false;
		splash->keys = 0;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return true;
		splash->keys = -1; /* it cannot do this */
	}
	if (splash->keys == 0 && splash->there) {
		snprintf(word, sizeof(word), "--keys=%s", keys);
		splash->keys = start("watch-keystroke", word);
	}
	return false;
}

void splash_close(struct splash *splash, const char *keys)
{
	char word[32];

	if (splash->keys > 0) {
		stop(splash->keys);
		snprintf(word, sizeof(word), "--keys=%s", keys);
		if (splash->there)
			run(splash, "ignore-keystroke", word);
	}
	hide(splash);
	splash->there = false;
}
