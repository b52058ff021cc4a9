/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/check/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/process.h"
#include "common/signals.h"

int program_start(char *const argv[], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	extern char **environ;
	int pipes[2];
	int ret;

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	signals_default(&attributes);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	ret = -posix_spawn(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close(pipes[1]);
	if (ret)
		close(pipes[0]);
	return ret ? ret : pipes[0];
}

/* True when PID has ended; false when a signal waits before. */
static bool ends(pid_t pid)
{
	struct pollfd what[] = { { .fd = process_open(pid), .events = POLLIN },
				 { .fd = signals_descriptor(), .events = POLLIN } };
	bool ended = what[0].fd < 0;

	while (!ended && poll(what, 2, -1) < 0 && errno == EINTR)
		;
	ended |= what[0].revents != 0;
	for (size_t i = 0; i < 2; i++)
		if (what[i].fd >= 0)
			close(what[i].fd);
	return ended;
}

#define MOMENT	50000000 /* ns */
#define MOMENTS 200	 /* ten seconds, for who cleans up behind itself */

/* End the group, and those whose parents end before them, and wait for all. */
static void end_group(pid_t group)
{
	const struct timespec moment = { .tv_nsec = MOMENT };
	siginfo_t info = { 0 };

	kill(-group, SIGTERM);
	for (int left = MOMENTS; !waitid(P_PGID, (id_t)group, &info, WEXITED | WNOHANG);
	     info.si_pid = 0) {
		if (info.si_pid)
			continue;
		if (!left--)
			kill(-group, SIGKILL);
		nanosleep(&moment, NULL);
	}
}

static int spawn(char *const argv[], int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	extern char **environ;
	sigset_t none;
	int ret;

	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attributes, &none);
	signals_default(&attributes);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	ret = -posix_spawn(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return ret;
}

int program_run(char *const argv[], int output, bool stoppable)
{
	int status, ret;
	pid_t pid;

	if (stoppable && signals_waiting())
		return -ECANCELED;
	/* For those whose parents end before them. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ret = spawn(argv, output, &pid);
	if (ret)
		return ret;
	if (stoppable && !ends(pid)) {
		end_group(pid);
		return -ECANCELED;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
