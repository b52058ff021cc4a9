/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening, closing and writing to the consoles. */
#include "text/terminals.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_STEPS 10

static void add(struct terminals *terminals, const char *path)
{
	/* A serial line without a carrier must not hold the opening up. */
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (isatty(fd))
		terminals->fds[terminals->count++] = fd;
	else
		close(fd);
}

void terminals_open(struct terminals *terminals, const char *consoles, const char *directory)
{
	FILE *file = fopen(consoles, "re");
	char line[256];

	*terminals = (struct terminals){ .count = 0 };
	if (!file)
		return;
	while (terminals->count < TERMINALS_MAX && fgets(line, sizeof(line), file)) {
		char name[64], path[128];

		if (sscanf(line, "%63s", name) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, name);
		add(terminals, path);
	}
	fclose(file);
}

/*
 * Closing a serial line waits up to 30 s for what is still to be sent (closing_wait of the kernel's
 * serial core), and A waits for us: give it a tenth of a second, and drop the rest.
 */
static void drain(int fd)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int left = 0;

	for (int i = 0; i < DRAIN_STEPS && !ioctl(fd, TIOCOUTQ, &left) && left; i++)
		nanosleep(&pause, NULL);
	tcflush(fd, TCOFLUSH);
}

void terminals_close(struct terminals *terminals)
{
	for (size_t i = 0; i < terminals->count; i++) {
		drain(terminals->fds[i]);
		close(terminals->fds[i]);
	}
	terminals->count = 0;
}

void terminals_print(const struct terminals *terminals, const char *text)
{
	for (size_t i = 0; i < terminals->count; i++)
		(void)!write(terminals->fds[i], text, strlen(text));
}
