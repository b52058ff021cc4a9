// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory of each kind that programs have, every word of which is known, and looked at all the time.
 *
 * usage: held MIB FILE
 *
 * MIB of each kind. FILE says how many rounds were fine, or what was not; then it ends.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static const struct {
	const char *name;
	int flags, advice;
} kinds[] = {
	{ "hugetlb", MAP_PRIVATE | MAP_HUGETLB, 0 },
	{ "transparent", MAP_PRIVATE, MADV_HUGEPAGE },
	{ "locked", MAP_PRIVATE | MAP_LOCKED, 0 },
	{ "shared", MAP_SHARED, 0 },
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static uint64_t word(size_t kind, size_t index)
{
	return (index + 1) * 0x9e3779b97f4a7c15 ^ kind;
}

static void say(const char *path, const char *text, uint64_t number)
{
	char name[256];
	FILE *file;

	snprintf(name, sizeof(name), "%s.new", path);
	file = fopen(name, "w");
	if (!file || fprintf(file, "%s %llu\n", text, (unsigned long long)number) < 0 ||
	    fclose(file) || rename(name, path))
		exit(1);
}

int main(int argc, char **argv)
{
	size_t count = argc == 3 ? strtoul(argv[1], NULL, 10) << 17 : 0; /* words */
	uint64_t *memory[KINDS];

	if (!count)
		return 2;
	for (size_t kind = 0; kind < KINDS; kind++) {
		memory[kind] = mmap(NULL, count * 8, PROT_READ | PROT_WRITE,
				    MAP_ANONYMOUS | kinds[kind].flags, -1, 0);
		if (memory[kind] == MAP_FAILED) {
			perror(kinds[kind].name);
			return 1;
		}
		if (kinds[kind].advice)
			madvise(memory[kind], count * 8, kinds[kind].advice);
		for (size_t i = 0; i < count; i++)
			memory[kind][i] = word(kind, i);
	}
	for (uint64_t round = 1;; round++) {
		for (size_t kind = 0; kind < KINDS; kind++) {
			for (size_t i = 0; i < count; i++) {
				if (memory[kind][i] == word(kind, i))
					continue;
				say(argv[2], kinds[kind].name, i);
				return 1;
			}
		}
		say(argv[2], "fine", round);
	}
}
