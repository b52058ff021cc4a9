/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranges that were reserved at boot, and memory that is held while loading.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kjump/load/ballast.h"
#include "kjump/load/reserved.h"

#define MIB (1ULL << 20)

static char root[] = "/tmp/kjump-reserved-XXXXXX";
static char cmdline[64], iomem[64], firmware[64], crash[64], meminfo[64];
static const struct reserved_paths paths = { cmdline, iomem, firmware, crash };

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* RAM up to 2 GiB without a hole, and the whole fourth GiB. */
static int make_machine(void **state)
{
	static const char *const ranges[][2] = { { "0x0", "0x7fffffff" },
						 { "0xc0000000", "0xffffffff" } };
	char path[128];

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(cmdline, sizeof(cmdline), "%s/cmdline", root);
	snprintf(iomem, sizeof(iomem), "%s/iomem", root);
	snprintf(firmware, sizeof(firmware), "%s/firmware", root);
	snprintf(crash, sizeof(crash), "%s/crash", root);
	snprintf(meminfo, sizeof(meminfo), "%s/meminfo", root);
	assert_int_equal(mkdir(firmware, 0700), 0);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%zu", firmware, i);
		assert_int_equal(mkdir(path, 0700), 0);
		snprintf(path, sizeof(path), "%s/%zu/start", firmware, i);
		put(path, ranges[i][0]);
		snprintf(path, sizeof(path), "%s/%zu/end", firmware, i);
		put(path, ranges[i][1]);
		snprintf(path, sizeof(path), "%s/%zu/type", firmware, i);
		put(path, "System RAM\n");
	}
	return 0;
}

static int remove_machine(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static struct reserved find(const char *line, const char *map, const char *loaded, uint64_t size)
{
	struct reserved ret;
	struct error err;

	put(cmdline, line);
	put(iomem, map);
	put(crash, loaded);
	assert_int_equal(reserved_find(&paths, size, &ret, &err), 0);
	return ret;
}

static void test_memmap(void **state)
{
	const char *map = "00000000-0fffffff : System RAM\n"
			  "10000000-1fffffff : Reserved\n"
			  "20000000-7fffffff : System RAM\n";
	struct reserved found;

	(void)state;
	found = find("quiet memmap=256M$0x10000000 ro", map, "0", 100 * MIB);
	assert_int_equal(found.start, 0x10000000);
	assert_int_equal(found.size, 256 * MIB);
	assert_false(found.crash);
	assert_false(found.system_ram);
	assert_int_equal(find("memmap=256M$0x10000000", map, "0", 257 * MIB).size, 0);

	/* Reserved, but for something else than the command line says. */
	assert_int_equal(find("quiet", map, "0", 100 * MIB).size, 0);
	assert_int_equal(find("memmap=256M@0x10000000", map, "0", 100 * MIB).size, 0);
	assert_int_equal(find("memmap=256M$0x50000000", map, "0", 100 * MIB).size, 0);
	/* Behind other kinds, and only the part that is reserved, in whole blocks. */
	found = find("memmap=exactmap,1G@0,0x9000000$0x0f100000", map, "0", 100 * MIB);
	assert_int_equal(found.start, 0x10000000);
	assert_int_equal(found.size, 0x8000000);
	/* Not RAM at all. */
	assert_int_equal(
		find("memmap=256M$0x90000000", "90000000-9fffffff : Reserved\n", "0", 100 * MIB)
			.size,
		0);
	assert_int_equal(find("memmap=$ memmap= memmap=,, memmap=5", map, "0", MIB).size, 0);
}

static void test_crash_kernel(void **state)
{
	const char *map = "00000000-7fffffff : System RAM\n"
			  "  01000000-01ffffff : Kernel code\n"
			  "  20100000-2fffffff : Crash kernel\n"
			  "c0000000-ffffffff : System RAM\n"
			  "  f0000000-ffffffff : Crash kernel\n"
			  "100000000-1ffffffff : System RAM\n"
			  "  140000000-1ffffffff : Crash kernel\n";
	struct reserved found;

	(void)state;
	found = find("crashkernel=1G,high", map, "0\n", 100 * MIB);
	assert_int_equal(found.start, 0xf0000000);
	assert_int_equal(found.size, 256 * MIB);
	assert_true(found.crash);
	assert_true(found.system_ram);
	assert_int_equal(find("crashkernel=1G,high", map, "1\n", 100 * MIB).size, 0);
	assert_int_equal(find("", "00000000-7fffffff : System RAM\n", "0\n", 100 * MIB).size, 0);
}

/* As much as there is room for, and given back where it is not wanted. */
static void test_ballast(void **state)
{
	struct ballast ballast = { 0 };
	char text[128];

	(void)state;
	/* 32 MiB stay, 8 are the home's: no room for more than 4. */
	snprintf(text, sizeof(text), "MemTotal: %llu kB\nMemFree: %llu kB\nMemAvailable: 0 kB\n",
		 1000 * MIB >> 10, 44 * MIB >> 10);
	put(meminfo, text);
	ballast_take(&ballast, meminfo, 8 * MIB);
	assert_int_equal(ballast.size, 4 * MIB);
	ballast_drop(&ballast);
	ballast_take(&ballast, meminfo, 40 * MIB);
	assert_null(ballast.bytes);
	/* Twice the home and a huge page. */
	ballast_take(&ballast, meminfo, 4 * MIB);
	assert_int_equal(ballast.size, 10 * MIB);
	memset(ballast.bytes, 0x5a, ballast.size);

	/* Nothing lies in an empty place; what was given back reads as zero. */
	ballast_trim(&ballast, "/proc/self/pagemap", 0, 0);
	for (size_t i = 0; i < ballast.size; i += 4096)
		assert_int_equal(ballast.bytes[i], 0);
	ballast_drop(&ballast);
	assert_null(ballast.bytes);
	ballast_drop(&ballast);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memmap),
		cmocka_unit_test(test_crash_kernel),
		cmocka_unit_test(test_ballast),
	};

	return cmocka_run_group_tests_name("reserved", tests, make_machine, remove_machine);
}
