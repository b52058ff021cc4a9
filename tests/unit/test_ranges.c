/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RAM maps as kernels print them: /proc/iomem and /sys/firmware/memmap. */
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

#include "memory/memory.h"
#include "tests/unit/temp-file.h"

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static int system_ram(const char *text, struct runs *ret, struct error *err)
{
	char path[32];
	int r;

	temp_file(path, text);
	r = memory_system_ram(path, ret, err);
	unlink(path);
	return r;
}

static int iomem_start(const char *text, const char *name, uint64_t *ret, struct error *err)
{
	char path[32];
	int r;

	temp_file(path, text);
	r = memory_iomem_start(path, name, ret, err);
	unlink(path);
	return r;
}

static void expect_ram(const char *text, const struct run *expected, size_t count)
{
	struct runs ram = { 0 };
	struct error err = { 0 };
	size_t i;

	assert_int_equal(system_ram(text, &ram, &err), 0);
	assert_int_equal(ram.n, count);
	for (i = 0; i < count; i++) {
		assert_int_equal(ram.v[i].pfn, expected[i].pfn);
		assert_int_equal(ram.v[i].count, expected[i].count);
	}
	runs_free(&ram);
}

static void expect_failure(const char *text, int code, const char *words)
{
	struct runs ram = { 0 };
	struct error err = { 0 };

	assert_int_equal(system_ram(text, &ram, &err), -code);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.text, words));
	runs_free(&ram);
}

static const char bios[] = "00000000-00000fff : Reserved\n"
			   "00001000-0009fbff : System RAM\n"
			   "0009fc00-0009ffff : Reserved\n"
			   "000a0000-000bffff : PCI Bus 0000:00\n"
			   "000f0000-000fffff : System ROM\n"
			   "00100000-1ffdffff : System RAM\n"
			   "  0a200000-0b0025d7 : Kernel code\n"
			   "  0b200000-0b5d8fff : Kernel rodata\n"
			   "    0b300000-0b300fff : System RAM\n"
			   "1ffe0000-1fffffff : Reserved\n"
			   "fee00000-fee00fff : Local APIC\n"
			   "100000000-17fffffff : System RAM\n";

static void test_bios(void **state)
{
	static const struct run expected[] = {
		{ 0x1, 0x9e },
		{ 0x100, 0x1fee0 },
		{ 0x100000, 0x80000 },
	};

	(void)state;
	expect_ram(bios, expected, 3);
}

/* Entries that adjoin inside a page are one range: the page between them is RAM. */
static void test_uefi_split(void **state)
{
	static const char text[] = "00001000-0009ffff : System RAM\n"
				   "00100000-3d4ce017 : System RAM\n"
				   "3d4ce018-3d4d5e57 : System RAM\n"
				   "3d4d5e58-3e8eefff : System RAM\n"
				   "3e8ef000-3eb6efff : Reserved\n"
				   "3eb7e800-3ebfe7ff : System RAM\n";
	static const struct run expected[] = {
		{ 0x1, 0x9f },
		{ 0x100, 0x3e7ef },
		{ 0x3eb7f, 0x7f },
	};

	(void)state;
	expect_ram(text, expected, 3);
}

/* RAM of the firmware's map inside of what a driver put around it later. */
static void test_cxl_window(void **state)
{
	static const char text[] = "00001000-0009ffff : System RAM\n"
				   "00100000-7fffffff : System RAM\n"
				   "100000000-1ffffffff : CXL Window 0\n"
				   "  100000000-17fffffff : System RAM\n"
				   "    110000000-1101fffff : Kernel code\n"
				   "200000000-20fffffff : System RAM\n";
	static const struct run expected[] = {
		{ 0x1, 0x9f },
		{ 0x100, 0x7ff00 },
		{ 0x100000, 0x80000 },
		{ 0x200000, 0x10000 },
	};

	(void)state;
	expect_ram(text, expected, 4);
}

static void test_less_than_a_page(void **state)
{
	static const char text[] = "00000400-00000bff : System RAM\n"
				   "00001800-00002fff : System RAM\n";
	static const struct run expected[] = { { 0x2, 1 } };

	(void)state;
	expect_ram(text, expected, 1);
}

static void test_refusals(void **state)
{
	(void)state;
	expect_failure("00000000-00000000 : Reserved\n00000000-00000000 : System RAM\n", EPERM,
		       "without privilege");
	expect_failure("00000000-00000fff : Reserved\n", ENOENT, "no System RAM");
	expect_failure("", ENOENT, "no System RAM");
	expect_failure("00001000-00001fff : System RAM\n00001800-00002fff : System RAM\n", EINVAL,
		       "overlap");
	expect_failure("00001000-ffffffffffffffff : System RAM\n", EINVAL, "out of bounds");
	expect_failure("00002000-00001fff : System RAM\n", EINVAL, "unknown kind of line");
	expect_failure("hello\n", EINVAL, "unknown kind of line");
	expect_failure("100000000-1ffffffff : Persistent Memory\n"
		       "  100000000-1ffffffff : System RAM (kmem)\n",
		       EOPNOTSUPP, "added by a driver");
}

static void test_iomem_start(void **state)
{
	struct error err = { 0 };
	uint64_t start = 0;

	(void)state;
	assert_int_equal(iomem_start(bios, "Kernel code", &start, &err), 0);
	assert_int_equal(start, 0xa200000);
	assert_int_equal(iomem_start(bios, "System ROM", &start, &err), 0);
	assert_int_equal(start, 0xf0000);
	assert_int_equal(iomem_start(bios, "Kernel", &start, &err), -ENOENT);
	assert_int_equal(iomem_start("00000000-00000000 : System RAM\n"
				     "  00000000-00000000 : Kernel code\n",
				     "Kernel code", &start, &err),
			 -EPERM);
	assert_int_equal(memory_iomem_start("/nonexistent", "Kernel code", &start, &err), -ENOENT);
}

/* --- /sys/firmware/memmap --- */

struct memmap_fixture {
	const char *start, *end, *type;
};

static void memmap_path(const char *directory, unsigned i, const char *name, char path[64])
{
	snprintf(path, 64, "%s/%u%s%s", directory, i, name[0] ? "/" : "", name);
}

static void memmap_create(char directory[32], const struct memmap_fixture *entries, unsigned count)
{
	char path[64];
	unsigned i;

	strcpy(directory, "/tmp/kjump-test-XXXXXX");
	assert_non_null(mkdtemp(directory));
	for (i = 0; i < count; i++) {
		memmap_path(directory, i, "", path);
		assert_int_equal(mkdir(path, 0700), 0);
		memmap_path(directory, i, "start", path);
		write_file(path, entries[i].start);
		memmap_path(directory, i, "end", path);
		write_file(path, entries[i].end);
		memmap_path(directory, i, "type", path);
		write_file(path, entries[i].type);
	}
}

static void memmap_remove(const char *directory, unsigned count)
{
	static const char *const names[] = { "start", "end", "type", "" };
	char path[64];
	unsigned i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < 4; j++) {
			memmap_path(directory, i, names[j], path);
			remove(path);
		}
	}
	assert_int_equal(rmdir(directory), 0);
}

static void test_firmware_map(void **state)
{
	static const struct memmap_fixture entries[] = {
		{ "0x100000\n", "0x1ffdffff\n", "System RAM\n" },
		{ "0x0\n", "0x9fbff\n", "System RAM\n" },
		{ "0x9fc00\n", "0x9ffff\n", "Reserved\n" },
		{ "0x1ffe0000\n", "0x1ffeffff\n", "ACPI Tables\n" },
		{ "0x1fff0000\n", "0x1fffffff\n", "ACPI Non-volatile Storage\n" },
		{ "0x20000000\n", "0x2fffffff\n", "Unusable memory\n" },
		{ "0x100000000\n", "0x17fffffff\n", "Persistent Memory\n" },
		{ "0x180000000\n", "0x1ffffffff\n", "Persistent Memory (legacy)\n" },
		{ "0x200000000\n", "0x2ffffffff\n", "Soft Reserved\n" },
		{ "0x300000000\n", "0x3ffffffff\n", "Unknown E820 type\n" },
	};
	static const struct firmware_range expected[] = {
		{ 0x0, 0x9fc00, 1, 0 },
		{ 0x9fc00, 0x400, 2, 0 },
		{ 0x100000, 0x1fee0000, 1, 0 },
		{ 0x1ffe0000, 0x10000, 3, 0 },
		{ 0x1fff0000, 0x10000, 4, 0 },
		{ 0x20000000, 0x10000000, 5, 0 },
		{ 0x100000000, 0x80000000, 7, 0 },
		{ 0x180000000, 0x80000000, 12, 0 },
		{ 0x200000000, 0x100000000, 0xefffffff, 0 },
		{ 0x300000000, 0x100000000, 2, 0 },
	};
	struct firmware_range *map = NULL;
	struct error err = { 0 };
	size_t count = 0;
	char directory[32];

	(void)state;
	memmap_create(directory, entries, 10);
	assert_int_equal(memory_firmware_map(directory, &map, &count, &err), 0);
	assert_int_equal(count, 10);
	assert_memory_equal(map, expected, sizeof(expected));
	free(map);
	memmap_remove(directory, 10);
}

static void expect_memmap_failure(const struct memmap_fixture *entry, unsigned count, int code)
{
	struct firmware_range *map = NULL;
	struct error err = { 0 };
	size_t n = 0;
	char directory[32];

	memmap_create(directory, entry, count);
	assert_int_equal(memory_firmware_map(directory, &map, &n, &err), -code);
	assert_int_equal(err.code, code);
	assert_null(map);
	memmap_remove(directory, count);
}

static void test_bad_firmware_map(void **state)
{
	static const struct memmap_fixture backwards = { "0x2000\n", "0x1fff\n", "Reserved\n" };
	static const struct memmap_fixture all = { "0x0\n", "0xffffffffffffffff\n", "Reserved\n" };
	static const struct memmap_fixture words = { "zero\n", "0x1fff\n", "Reserved\n" };
	static const struct memmap_fixture empty = { "0x0\n", "0x1fff\n", "" };
	struct firmware_range *map = NULL;
	struct error err = { 0 };
	size_t n = 0;

	(void)state;
	expect_memmap_failure(&backwards, 1, EINVAL);
	expect_memmap_failure(&all, 1, EINVAL);
	expect_memmap_failure(&words, 1, EINVAL);
	expect_memmap_failure(&empty, 1, EIO);
	expect_memmap_failure(NULL, 0, ENOENT);
	assert_int_equal(memory_firmware_map("/nonexistent", &map, &n, &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bios),	     cmocka_unit_test(test_uefi_split),
		cmocka_unit_test(test_cxl_window),   cmocka_unit_test(test_less_than_a_page),
		cmocka_unit_test(test_refusals),     cmocka_unit_test(test_iomem_start),
		cmocka_unit_test(test_firmware_map), cmocka_unit_test(test_bad_firmware_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
