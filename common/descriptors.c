/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program that was started without them has for its standard descriptors. */
#include "common/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/error.h"

/*
 * Open for the other direction: what is read or written there fails, as on a closed descriptor.
 * Kernel B's init may run before there is a /dev/null.
 */
static int take_lowest(int flags)
{
	int fd = open("/dev/null", flags);

	return fd < 0 ? open("/", O_PATH | O_DIRECTORY) : fd;
}

void descriptors_reserve(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    take_lowest(fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(EXIT_FAILED);
}
