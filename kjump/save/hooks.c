/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs around a jump.
 */
#include "kjump/save/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/process.h"
#include "common/signals.h"
#include "kjump/paths.h"

#define PATH_SIZE 512

struct program {
	char path[PATH_SIZE];
	pid_t pid; /* 0 = does not run */
	int fd;	   /* readable when it has ended; -1 = none */
};

/* What packagers and editors leave beside a file is not meant to be run. */
static bool is_leftover(const char *name)
{
	static const char *const ends[] = { "~",	 ".bak",       ".old",	    ".orig",
					    ".swp",	 ".rpmnew",    ".rpmsave",  ".rpmorig",
					    ".dpkg-old", ".dpkg-dist", ".dpkg-new", ".dpkg-tmp",
					    ".ucf-old",	 ".ucf-dist",  ".ucf-new" };
	size_t length = strlen(name);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t end = strlen(ends[i]);

		if (length >= end && !strcmp(name + length - end, ends[i]))
			return true;
	}
	return *name == '.';
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct program *)a)->path, ((const struct program *)b)->path);
}

/* The programs of the folder PATH by name, at most HOOKS_MAX; the caller frees *RET. */
static size_t find_programs(const char *path, struct program **ret)
{
	struct program *programs = calloc(HOOKS_MAX, sizeof(*programs));
	const struct dirent *entry;
	DIR *folder = opendir(path);
	size_t count = 0;

	while (folder && programs && count < HOOKS_MAX && (entry = readdir(folder))) {
		struct program *program = &programs[count];
		struct stat stat;

		if (is_leftover(entry->d_name))
			continue;
		snprintf(program->path, sizeof(program->path), "%s/%s", path, entry->d_name);
		/* One that is masked is a link to /dev/null. */
		if (fstatat(dirfd(folder), entry->d_name, &stat, 0) || !S_ISREG(stat.st_mode) ||
		    access(program->path, X_OK))
			continue;
		program->fd = -1;
		count++;
	}
	if (folder)
		closedir(folder);
	if (count)
		qsort(programs, count, sizeof(*programs), by_name);
	*ret = programs;
	return count;
}

/* With the signals of this process as they were, in a group that can be killed as one. */
static int start(struct program *program, const char *moment, const struct hooks *hooks,
		 struct error *err)
{
	char *const argv[] = { program->path, (char *)moment, (char *)hooks->operation, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	extern char **environ;
	int ret;

	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	signals_default(&attributes);
	posix_spawnattr_setsigmask(&attributes, &hooks->signals);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	/* Standard output is for what kjump prints. */
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	ret = posix_spawn(&program->pid, program->path, &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (ret) {
		program->pid = 0;
		return error_set(err, ret, "%s: %s", program->path, strerror(ret));
	}
	program->fd = process_open(program->pid);
	return 0;
}

/* Wait for the end of PROGRAM until the time END, and no longer. */
static int finish(struct program *program, uint64_t end, struct error *err)
{
	struct pollfd poll_fd = { .fd = program->fd, .events = POLLIN };
	uint64_t now = clock_now();
	bool late = program->fd >= 0 &&
		    poll(&poll_fd, 1, end > now ? (int)((end - now) / 1000000) : 0) == 0;
	int status = 0;

	if (late)
		kill(-program->pid, SIGKILL);
	while (waitpid(program->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (program->fd >= 0)
		close(program->fd);
	if (late)
		return error_set(err, ETIMEDOUT, "%s: did not end in time and was killed",
				 program->path);
	if (WIFSIGNALED(status))
		return error_set(err, ECANCELED, "%s: killed by signal %d", program->path,
				 WTERMSIG(status));
	if (status)
		return error_set(err, ECANCELED, "%s: failed with status %d", program->path,
				 WEXITSTATUS(status));
	return 0;
}

static uint64_t deadline(const struct hooks *hooks)
{
	return clock_now() + hooks->seconds * CLOCK_SECOND;
}

/* All of the folder at once. */
static void run_together(const char *path, const char *moment, const struct hooks *hooks)
{
	struct program *programs;
	size_t count = find_programs(path, &programs);
	uint64_t end = deadline(hooks);

	for (size_t i = 0; i < count; i++) {
		struct error err = { 0 };

		if (start(&programs[i], moment, hooks, &err))
			message("%s; going on", err.text);
	}
	for (size_t i = 0; i < count; i++) {
		struct error err = { 0 };

		if (programs[i].pid && finish(&programs[i], end, &err))
			message("%s; going on", err.text);
	}
	free(programs);
}

/* Both are one folder where /lib is a link. */
static void run_sleep(const char *moment, const struct hooks *hooks)
{
	static const char *const folders[] = { PATH_SYSTEM_SLEEP, PATH_SYSTEM_SLEEP_SPLIT };
	struct stat first = { 0 }, stat_now;

	/* What is done now, of suspend-then-hibernate. */
	const bool hybrid = strcmp(hooks->operation, "hybrid-sleep") == 0;

	if (setenv("SYSTEMD_SLEEP_ACTION", hybrid ? "hybrid-sleep" : "hibernate", 1))
		message("out of memory; programs run without SYSTEMD_SLEEP_ACTION");
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		char path[PATH_SIZE / 2];

		snprintf(path, sizeof(path), "%s%s", hooks->root, folders[i]);
		if (stat(path, &stat_now) ||
		    (stat_now.st_dev == first.st_dev && stat_now.st_ino == first.st_ino))
			continue;
		first = stat_now;
		run_together(path, moment, hooks);
	}
}

/* One after the other. With STOP the first failure ends it, else each is a message. */
static int run_in_order(const char *moment, const struct hooks *hooks, bool stop, struct error *err)
{
	char path[PATH_SIZE / 2];
	struct program *programs;
	size_t count;
	int ret = 0;

	snprintf(path, sizeof(path), "%s" PATH_HOOKS "/%s", hooks->root, moment);
	count = find_programs(path, &programs);
	for (size_t i = 0; i < count && !(stop && ret); i++) {
		ret = start(&programs[i], moment, hooks, err);
		if (!ret)
			ret = finish(&programs[i], deadline(hooks), err);
		if (ret && !stop)
			message("%s; going on", err->text);
	}
	free(programs);
	return stop ? ret : 0;
}

int hooks_pre(struct hooks *hooks, struct error *err)
{
	sigset_t ends;
	int ret;

	signals_ignore_pipe();
	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGQUIT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &hooks->signals);
	hooks->blocked = true;
	ret = run_in_order("pre", hooks, true, err);
	if (ret) {
		/* Nothing of systemd's has run yet. */
		hooks->sleep = false;
		return ret;
	}
	if (hooks->sleep)
		run_sleep("pre", hooks);
	return 0;
}

void hooks_post(struct hooks *hooks)
{
	struct error err = { 0 };

	if (!hooks->blocked)
		return;
	if (hooks->sleep)
		run_sleep("post", hooks);
	run_in_order("post", hooks, false, &err);
	sigprocmask(SIG_SETMASK, &hooks->signals, NULL);
	hooks->blocked = false;
}

void hooks_lock_sessions(const char *root)
{
	struct hooks hooks = { .root = root, .operation = NULL };
	struct program program = { .fd = -1 };
	struct error err = { 0 };

	snprintf(program.path, sizeof(program.path), "%s" PATH_SYSTEMD_RUNS, root);
	if (access(program.path, F_OK))
		return;
	snprintf(program.path, sizeof(program.path), "%s" PATH_LOGINCTL, root);
	if (access(program.path, X_OK))
		return;
	sigemptyset(&hooks.signals);
	hooks.seconds = 10;
	if (start(&program, "lock-sessions", &hooks, &err) ||
	    finish(&program, deadline(&hooks), &err))
		message("%s; screens may not be locked", err.text);
}
