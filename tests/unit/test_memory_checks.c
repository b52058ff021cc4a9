/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is checked of the memory of machines that are directories.
 */
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

#include "kjump/check/checks.h"
#include "kjump/check/untouchable.h"
#include "tests/unit/fake-root.h"

/* An entry of struct boot_params' E820 table. */
static void put_range(unsigned char *at, uint64_t start, uint64_t end, uint32_t type)
{
	uint64_t size = end - start;

	memcpy(at, &start, 8);
	memcpy(at + 8, &size, 8);
	memcpy(at + 16, &type, 4);
}

/* Flags of the frames below 16 MiB; those of FRAME have BITS. */
static void put_flags(uint64_t frame, uint64_t bits)
{
	static uint64_t flags[4096];

	memset(flags, 0, sizeof(flags));
	flags[frame] = bits;
	put_bytes("/proc/kpageflags", flags, sizeof(flags));
}

static void put_corrupted(unsigned kib)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "MemTotal: 16384 kB\nMemFree: 1 kB\nMemAvailable: 2 kB\n"
		 "HardwareCorrupted: %5u kB\n",
		 kib);
	put("/proc/meminfo", text);
}

static void test_untouchable(void **state)
{
	struct untouchable pages;

	(void)state;
	put("/proc/iomem", "00100000-00ffffff : System RAM\n");
	put_corrupted(0);
	put_flags(1000, 1ULL << 23);
	/* Neither errors nor a balloon: nothing is looked at. */
	assert_int_equal(untouchable_count(root, &pages, &note), 0);
	assert_int_equal(pages.poisoned + pages.offline + pages.huge, 0);
	put("/sys/bus/virtio/drivers/virtio_balloon/virtio2", "");
	put("/sys/bus/vmbus/drivers/hv_netvsc/bind", "");
	assert_int_equal(untouchable_count(root, &pages, &note), 0);
	assert_int_equal(pages.offline, 0);
	put("/sys/bus/vmbus/drivers/hv_balloon/bind", "");
	assert_int_equal(untouchable_count(root, &pages, &note), 0);
	assert_int_equal(pages.offline, 1);
	assert_int_equal(check_untouchable(&preflight, &note), 0);
	put_corrupted(8);
	put_flags(1000, 1ULL << 19);
	assert_int_equal(check_untouchable(&preflight, &note), PREFLIGHT_DOUBT);
	assert_string_equal(note.text, "2 pages have memory errors; they are left out");
	put_flags(512, 1ULL << 19 | 1ULL << 17 | 1ULL << 15);
	assert_int_equal(check_untouchable(&preflight, &note), -EUCLEAN);
	assert_non_null(strstr(note.text, "huge page at 0x200000"));
	drop("/proc/kpageflags");
	assert_int_equal(check_untouchable(&preflight, &note), -ENOENT);
}

#define BOOTED "00001000-0009fbff : System RAM\n00100000-1ffdffff : System RAM\n"
#define LATER  "100000000-10fffffff : System RAM\n"

static void test_added_memory(void **state)
{
	unsigned char params[4096] = { [0x1e8] = 2 }, more[40];

	(void)state;
	put("/proc/iomem", BOOTED);
	assert_int_equal(check_added_memory(&preflight, &note), -ENOENT);
	put_range(params + 0x2d0, 0, 0x9fc00, 1);
	put_range(params + 0x2d0 + 20, 0x100000, 0x1ffe0000, 1);
	put_bytes("/sys/kernel/boot_params/data", params, sizeof(params));
	assert_int_equal(check_added_memory(&preflight, &note), 0);
	/* Nobody says where it comes from. */
	put("/proc/iomem", BOOTED LATER);
	assert_int_equal(check_added_memory(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "0x100000000-0x10fffffff was added by a driver"));
	put("/sys/devices/system/memory/block_size_bytes", "8000000\n");
	put("/sys/devices/system/memory/memory32/firmware_node/hid", "PNP0C80\n");
	assert_int_equal(check_added_memory(&preflight, &note), -EOPNOTSUPP); /* half of it */
	put("/sys/devices/system/memory/memory33/firmware_node/hid", "PNP0C80\n");
	assert_int_equal(check_added_memory(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "0x100000000-0x10fffffff was plugged in"));
	/* A boot loader's map of more than 128 ranges. */
	put("/sys/kernel/boot_params/setup_data/0/type", "0x2\n");
	put_range(more, 0x100000000, 0x108000000, 1);
	put_range(more + 20, 0x108000000, 0x110000000, 1);
	put("/sys/kernel/boot_params/setup_data/1/type", "0x1\n");
	put_bytes("/sys/kernel/boot_params/setup_data/1/data", more, sizeof(more));
	assert_int_equal(check_added_memory(&preflight, &note), 0);
	put_range(more + 20, 0x108000000, 0x110000000, 2);
	put_bytes("/sys/kernel/boot_params/setup_data/1/data", more, sizeof(more));
	put("/sys/devices/system/memory/block_size_bytes", "0\n");
	assert_int_equal(check_added_memory(&preflight, &note), -EOPNOTSUPP);
	put_bytes("/sys/kernel/boot_params/data", params, 100);
	assert_int_equal(check_added_memory(&preflight, &note), -EINVAL);
}

static void test_advice_for_memory(void **state)
{
	(void)state;
	put("/proc/iomem", BOOTED);
	put_corrupted(8);
	advises(check_untouchable, ENOENT, "CONFIG_PROC_PAGE_MONITOR");
	put_flags(512, 1ULL << 19 | 1ULL << 17 | 1ULL << 15);
	advises(check_untouchable, EUCLEAN, "of the table");
	advises(check_added_memory, ENOENT, "boot_params");
}

#define test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_untouchable),
		test(test_added_memory),
		test(test_advice_for_memory),
	};

	return cmocka_run_group_tests_name("memory checks", tests, NULL, NULL);
}
