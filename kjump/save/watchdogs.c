/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stopping and starting the system's hardware watchdogs.
 */
#include "kjump/save/watchdogs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/watchdog.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/error.h"
#include "common/process.h"
#include "kjump/paths.h"

/* A copy of descriptor NUMBER of process PID; negative on failure. */
static int copy_descriptor(pid_t pid, int number)
{
	int process = process_open(pid);
	int fd;

	if (process < 0)
		return -1;
	fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);
	close(process);
	return fd;
}

/* Descriptors are inherited and copied: is this device there already? */
static bool is_known(const struct watchdogs *watchdogs, int fd)
{
	struct stat device, known;

	if (fstat(fd, &device))
		return true;
	for (size_t i = 0; i < watchdogs->count; i++) {
		if (!fstat(watchdogs->fds[i], &known) && known.st_rdev == device.st_rdev)
			return true;
	}
	return false;
}

static void take(struct watchdogs *watchdogs, pid_t pid, int number)
{
	struct request_watchdog *entry = &watchdogs->entries[watchdogs->count];
	struct watchdog_info info = { 0 };
	int timeout = 0, off = WDIOS_DISABLECARD;
	int fd = copy_descriptor(pid, number);

	if (fd < 0) {
		message("the watchdog of process %d: %s; it may fire during the save", (int)pid,
			strerror(errno));
		return;
	}
	if (watchdogs->count == REQUEST_WATCHDOG_MAX || is_known(watchdogs, fd) ||
	    ioctl(fd, WDIOC_GETSUPPORT, &info)) {
		close(fd);
		return;
	}
	ioctl(fd, WDIOC_GETTIMEOUT, &timeout);
	memcpy(entry->identity, info.identity, sizeof(entry->identity) - 1);
	entry->timeout = timeout > 0 ? (uint32_t)timeout : 0;
	entry->running = ioctl(fd, WDIOC_SETOPTIONS, &off) != 0;
	if (entry->running)
		ioctl(fd, WDIOC_KEEPALIVE, NULL);
	watchdogs->fds[watchdogs->count++] = fd;
}

/* The watchdogs among the descriptors of one process. */
static void search(struct watchdogs *watchdogs, pid_t pid)
{
	char path[64], target[32];
	const struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "%s/%d/fd", PATH_PROC, (int)pid);
	directory = opendir(path);
	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		ssize_t length =
			readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);

		target[length < 0 ? 0 : length] = '\0';
		if (!strncmp(target, PATH_WATCHDOG, strlen(PATH_WATCHDOG)))
			take(watchdogs, pid, atoi(entry->d_name));
	}
	closedir(directory);
}

void watchdogs_stop(struct watchdogs *watchdogs)
{
	DIR *processes = opendir(PATH_PROC);
	const struct dirent *entry;

	memset(watchdogs, 0, sizeof(*watchdogs));
	while (processes && (entry = readdir(processes))) {
		if (isdigit((unsigned char)*entry->d_name) && atoi(entry->d_name) != getpid())
			search(watchdogs, atoi(entry->d_name));
	}
	if (processes)
		closedir(processes);
}

void watchdogs_start(struct watchdogs *watchdogs)
{
	for (size_t i = 0; i < watchdogs->count; i++) {
		int timeout = (int)watchdogs->entries[i].timeout, on = WDIOS_ENABLECARD;
		int fd = watchdogs->fds[i];

		/* Another kernel's driver has set the hardware's own. */
		if (timeout)
			ioctl(fd, WDIOC_SETTIMEOUT, &timeout);
		if (ioctl(fd, WDIOC_SETOPTIONS, &on))
			message("watchdog '%s': not started again: %s",
				watchdogs->entries[i].identity, strerror(errno));
		ioctl(fd, WDIOC_KEEPALIVE, NULL);
		close(fd);
	}
	watchdogs->count = 0;
}
