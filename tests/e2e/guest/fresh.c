/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fresh MIB: take so much fresh memory from the kernel, page by page, and fail if a byte of it is
 * not zero.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096

int main(int argc, char **argv)
{
	size_t size = argc == 2 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	size_t bad = 0;
	unsigned char *bytes;

	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Huge pages are always cleared, whatever the allocator believes. */
	if (bytes == MAP_FAILED || madvise(bytes, size, MADV_NOHUGEPAGE)) {
		perror("fresh");
		return 2;
	}
	for (size_t page = 0; page < size; page += PAGE) {
		static const unsigned char zeros[PAGE - 1];

		bytes[page + PAGE - 1] = 1; /* reading alone would get the shared page of zeros */
		bad += memcmp(bytes + page, zeros, sizeof(zeros)) != 0;
	}
	printf("%zu of %zu pages were not zero\n", bad, size / PAGE);
	return bad != 0;
}
