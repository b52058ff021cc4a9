/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that changed while kernel B was loaded, in files. */
#include <errno.h>
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

#include "kjump/load/memory-map.h"

#define MIB (1ULL << 20)

#define RAM                                                                                        \
	"00001000-0009fbff : System RAM\n"                                                         \
	"00100000-1ffdffff : System RAM\n"                                                         \
	"  01000000-01bfffff : Kernel code\n"
#define CRASH	 "  10000000-17ffffff : Crash kernel\n"
#define RESERVED "20000000-27ffffff : Reserved\n"
#define DIMM	 "100000000-10fffffff : System RAM\n"

static char root[] = "/tmp/kjump-map-XXXXXX";
static char iomem[64], firmware[64], crash_loaded[64];
static const struct reserved_paths paths = { "/nowhere", iomem, firmware, crash_loaded };

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_firmware(int number, const char *start, const char *end, const char *type)
{
	const char *const names[] = { "start", "end", "type" }, *const texts[] = { start, end,
										   type };
	char path[128];

	snprintf(path, sizeof(path), "%s/%d", firmware, number);
	mkdir(path, 0700);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%d/%s", firmware, number, names[i]);
		put(path, texts[i]);
	}
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(root))
		return -1;
	snprintf(iomem, sizeof(iomem), "%s/iomem", root);
	snprintf(firmware, sizeof(firmware), "%s/memmap", root);
	snprintf(crash_loaded, sizeof(crash_loaded), "%s/crash", root);
	mkdir(firmware, 0700);
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static int begin(void **state)
{
	(void)state;
	put(iomem, RAM CRASH RESERVED);
	put(crash_loaded, "0\n");
	put_firmware(0, "0x0\n", "0x9fbff\n", "System RAM\n");
	put_firmware(1, "0x100000\n", "0x27ffffff\n", "System RAM\n");
	return 0;
}

static struct state loaded(bool reserved, bool crash, uint64_t home)
{
	struct state state = {
		.home_start = home, .home_size = 64 * MIB, .reserved = reserved, .crash = crash
	};
	struct error err;

	assert_int_equal(memory_map_digest(&paths, &state.memory_map, &err), 0);
	assert_int_equal(memory_map_check(&paths, &state, &err), 0);
	return state;
}

static void expect_stale(const struct state *state, const char *words)
{
	struct error err = { 0 };

	assert_int_equal(memory_map_check(&paths, state, &err), -ESTALE);
	assert_non_null(strstr(err.text, words));
}

static void ram_changes(void **unused)
{
	struct state state = loaded(false, false, 0x4000000);
	struct error err;

	(void)unused;
	put(iomem, RAM CRASH RESERVED DIMM);
	expect_stale(&state, "memory is not what it was");
	put(iomem, "00001000-0009fbff : System RAM\n00100000-17fdffff : System RAM\n");
	expect_stale(&state, "memory is not what it was");
	put(iomem, RAM CRASH RESERVED "fee00000-fee00fff : Local APIC\n"); /* no matter */
	assert_int_equal(memory_map_check(&paths, &state, &err), 0);
	put_firmware(1, "0x100000\n", "0x26ffffff\n", "System RAM\n");
	expect_stale(&state, "memory is not what it was");
	put_firmware(1, "0x100000\n", "0x27ffffff\n", "Reserved\n");
	expect_stale(&state, "memory is not what it was");
	unlink(iomem);
	assert_int_equal(memory_map_check(&paths, &state, &err), -ENOENT);
}

/* /sys/kernel/kexec_crash_size: the range is ordinary memory again, and RAM is what it was. */
static void crash_range_given_back(void **unused)
{
	struct state state = loaded(true, true, 0x10000000);

	(void)unused;
	put(iomem, RAM RESERVED);
	expect_stale(&state, "given back");
	put(iomem, RAM "  10000000-13efffff : Crash kernel\n" RESERVED); /* all but a part of it */
	expect_stale(&state, "given back");
	put(iomem, RAM CRASH RESERVED);
	put(crash_loaded, "1\n");
	expect_stale(&state, "a crash kernel was loaded");
}

static void reserved_range(void **unused)
{
	struct state state = loaded(true, false, 0x22000000);

	(void)unused;
	put(crash_loaded, "1\n"); /* elsewhere */
	put(iomem, RAM RESERVED);
	struct error err;

	assert_int_equal(memory_map_check(&paths, &state, &err), 0);
	put(iomem, RAM CRASH);
	expect_stale(&state, "given back");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ram_changes, begin),
		cmocka_unit_test_setup(crash_range_given_back, begin),
		cmocka_unit_test_setup(reserved_range, begin),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
