/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bounce: jump COUNT times by the jump module to a few instructions that jump straight back, which
 * need no kernel B. The frame that they lie in is one of this program's, or another one.
 *
 * usage: bounce [--abi N] [--address HEX] [--size BYTES] [--flags N] [--load-only | --jump-only]
 *               [COUNT]
 */
#include <fcntl.h>
#include <linux/suspend_ioctls.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kjump-ioctl.h"

#define PAGE 4096

/* pop %rax; lea -8(%rip), %rbx; push %rbx; jmp *%rax: back, and here again the next time. */
static const unsigned char code[] = { 0x58, 0x48, 0x8d, 0x1d, 0xf8, 0xff,
				      0xff, 0xff, 0x53, 0xff, 0xe0 };

/* A page of this program's; its frame. */
static uint64_t own_frame(unsigned char **ret)
{
	unsigned char *page = *ret = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	memset(page, 0x5a, PAGE);
	if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)page / PAGE * sizeof(entry))) !=
	    sizeof(entry))
		perror("pagemap");
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

static int jump(int fd, int snapshot, uint32_t flags)
{
	const struct kjump_jump jump = { KJUMP_ABI, flags };
	struct kjump_status status;
	int ret;

	if (ioctl(fd, KJUMP_STATUS, &status) < 0)
		return -1;
	if (!(status.flags & KJUMP_STATUS_FREEZE_TASKS))
		return ioctl(fd, KJUMP_JUMP, &jump);
	if (ioctl(snapshot, SNAPSHOT_FREEZE) < 0)
		return -1;
	ret = ioctl(fd, KJUMP_JUMP, &jump);
	ioctl(snapshot, SNAPSHOT_UNFREEZE);
	return ret;
}

static int fail(int fd, const char *what)
{
	struct kjump_status status = { 0 };

	perror(what);
	if (ioctl(fd, KJUMP_STATUS, &status) == 0)
		fprintf(stderr, "cause: %s\n", status.cause);
	return 1;
}

int main(int argc, char **argv)
{
	struct kjump_segment segment = { (uintptr_t)code, sizeof(code), 0, PAGE };
	struct kjump_load load = { KJUMP_ABI, 1, 0, (uintptr_t)&segment };
	unsigned char *page = NULL;
	uint32_t flags = 0;
	int fd, snapshot, count = 1, load_only = 0, jump_only = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--abi"))
			load.abi = (uint32_t)atoi(argv[++i]);
		else if (!strcmp(argv[i], "--address"))
			segment.address = strtoull(argv[++i], NULL, 16);
		else if (!strcmp(argv[i], "--size"))
			segment.size = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--flags"))
			flags = (uint32_t)strtoul(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--load-only"))
			load_only = 1;
		else if (!strcmp(argv[i], "--jump-only"))
			jump_only = 1;
		else
			count = atoi(argv[i]);
	}
	if (!segment.address && !jump_only)
		segment.address = own_frame(&page);
	load.entry = segment.address;
	fd = open("/dev/kjump", O_RDWR);
	if (fd < 0) {
		perror("/dev/kjump");
		return 1;
	}
	if (!jump_only && ioctl(fd, KJUMP_LOAD, &load) < 0)
		return fail(fd, "load");
	if (load_only)
		return 0;
	snapshot = open("/dev/snapshot", O_RDONLY);
	for (int i = 0; i < count; i++) {
		if (jump(fd, snapshot, flags) < 0)
			return fail(fd, "jump");
	}
	for (size_t i = 0; page && i < PAGE; i++) {
		if (page[i] != 0x5a)
			return fail(fd, "the page is not as it was");
	}
	printf("%d times there and back\n", count);
	close(snapshot);
	return ioctl(fd, KJUMP_UNLOAD) < 0 ? fail(fd, "unload") : 0;
}
