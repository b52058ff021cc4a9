/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secret: hold memory that the kernel itself cannot see (memfd_secret), mapped and without a
 * descriptor, say so and sleep.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE 65536

int main(void)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);
	char *bytes;

	if (fd < 0 || ftruncate(fd, SIZE)) {
		perror("secret");
		return 1;
	}
	bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED) {
		perror("secret");
		return 1;
	}
	memset(bytes, 's', SIZE);
	close(fd);
	puts("held");
	fflush(stdout);
	pause();
	return 0;
}
