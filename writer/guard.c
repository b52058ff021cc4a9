/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watchdogs over the save.
 */
#include "writer/guard.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"

#define NUMBERS	    8
#define INTERVAL_NS 1000000000ULL

/* Which of A's watchdogs is it? */
static const struct request_watchdog *find(const struct request *request, int fd)
{
	struct watchdog_info info = { 0 };

	if (ioctl(fd, WDIOC_GETSUPPORT, &info))
		return NULL;
	for (uint32_t i = 0; i < request->watchdog_count; i++) {
		if (!strncmp(request->watchdogs[i].identity, (const char *)info.identity,
			     sizeof(request->watchdogs[i].identity) - 1))
			return &request->watchdogs[i];
	}
	return NULL;
}

/* The letter without which a watchdog runs on when its file is closed. */
static void stop(int fd)
{
	if (write(fd, "V", 1) != 1)
		message("a watchdog cannot be stopped, and may fire");
	close(fd);
}

void guard_begin(struct guard *guard, const struct request *request, const char *pattern)
{
	*guard = (struct guard){ 0 };
	pthread_mutex_init(&guard->lock, NULL);
	for (int i = 0; request->watchdog_count && i < NUMBERS; i++) {
		char path[64];
		int fd, timeout;

		snprintf(path, sizeof(path), "%s%d", pattern, i);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		/* Opening has started it. */
		const struct request_watchdog *of = find(request, fd);

		if (!of || guard->count == REQUEST_WATCHDOG_MAX) {
			stop(fd);
			continue;
		}
		timeout = of->timeout > GUARD_TIMEOUT_MIN ? (int)of->timeout : GUARD_TIMEOUT_MIN;
		ioctl(fd, WDIOC_SETTIMEOUT, &timeout);
		guard->of[guard->count] = of;
		guard->fds[guard->count++] = fd;
	}
	if (guard->count < request->watchdog_count)
		message("no driver for a watchdog of the saved system; the save is not watched");
}

void guard_feed(struct guard *guard)
{
	pthread_mutex_lock(&guard->lock);
	if (guard->count && clock_now() - guard->fed >= INTERVAL_NS) {
		guard->fed = clock_now();
		for (size_t i = 0; i < guard->count; i++)
			ioctl(guard->fds[i], WDIOC_KEEPALIVE, NULL);
	}
	pthread_mutex_unlock(&guard->lock);
}

void guard_end(struct guard *guard)
{
	for (size_t i = 0; i < guard->count; i++) {
		int timeout = (int)guard->of[i]->timeout;

		if (!guard->of[i]->running) {
			stop(guard->fds[i]);
			continue;
		}
		if (timeout)
			ioctl(guard->fds[i], WDIOC_SETTIMEOUT, &timeout);
		ioctl(guard->fds[i], WDIOC_KEEPALIVE, NULL);
		close(guard->fds[i]);
	}
	guard->count = 0;
	pthread_mutex_destroy(&guard->lock);
}
