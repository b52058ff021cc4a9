/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is there room for the kernel that restores? */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kjump/check/room.h"
#include "text/meminfo.h"

#define MIB (1ULL << 20)

static char meminfo[] = "/tmp/kjump-meminfo-XXXXXX";
static char drop[] = "/tmp/kjump-drop-XXXXXX";
static char footprint[] = "/tmp/kjump-footprint-XXXXXX";
static char iomem[] = "/tmp/kjump-iomem-XXXXXX";
static char boot[] = "/tmp/kjump-boot-XXXXXX";
static char zones[] = "/tmp/kjump-zones-XXXXXX";
static const struct room_paths paths = { meminfo, drop, footprint, iomem, boot, zones };
static const struct room_paths nowhere = {
	"/tmp/kjump-no-such-file", drop, footprint, iomem, boot, zones
};

static const struct state *home(uint64_t mib)
{
	static struct state state;

	state = (struct state){ .home_size = mib * MIB };
	return &state;
}

static void write_footprint(uint64_t ram_mib, uint64_t total_mib, uint64_t room_mib)
{
	FILE *file = fopen(footprint, "w");

	assert_non_null(file);
	fprintf(file,
		"ram_kib = %llu\ntotal_kib = %llu\nfree_kib = 1\navailable_kib = 2\n"
		"reserve_kib = 3\nroom_kib = %llu\n",
		(unsigned long long)ram_mib << 10, (unsigned long long)total_mib << 10,
		(unsigned long long)room_mib << 10);
	fclose(file);
}

static void write_meminfo(uint64_t total_mib, uint64_t free_mib)
{
	FILE *file = fopen(meminfo, "w");

	assert_non_null(file);
	fprintf(file, "MemTotal:       %llu kB\nMemFree:         %llu kB\nMemAvailable: 0 kB\n",
		(unsigned long long)total_mib << 10, (unsigned long long)free_mib << 10);
	fclose(file);
}

static char dropped(void)
{
	int fd = open(drop, O_RDWR);
	char c = 0;

	(void)!read(fd, &c, 1);
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	return c;
}

static void enough(void **state)
{
	struct error err;

	(void)state;
	/* 96 MiB and a twentieth of 1000 MiB; the home counts. */
	write_meminfo(1000, 66);
	assert_int_equal(room_make(&paths, home(80), &err), 0);
	assert_int_equal(dropped(), 0);
}

static void too_little(void **state)
{
	struct error err;

	(void)state;
	write_meminfo(1000, 65);
	assert_int_equal(room_make(&paths, home(80), &err), -ENOMEM);
	assert_int_equal(dropped(), '3');
	assert_non_null(strstr(err.text, "2 MiB more"));
}

/* What can be dropped counts, and nothing is dropped. */
static void only_checked(void **state)
{
	FILE *file = fopen(meminfo, "w");
	struct meminfo memory;
	struct error err;

	(void)state;
	assert_non_null(file);
	fprintf(file, "MemTotal: 1024000 kB\nMemFree: 1024 kB\nMemAvailable: %d kB\n", 66 << 10);
	fclose(file);
	assert_int_equal(room_check(&paths, home(80), &err), 0);
	assert_int_equal(room_check(&paths, home(79), &err), -ENOMEM);
	assert_int_equal(meminfo_read(meminfo, &memory, &err), 0);
	assert_int_equal(memory.total, 1000 * MIB);
	assert_int_equal(memory.free, 1 * MIB);
	assert_int_equal(memory.available, 66 * MIB);
	assert_int_equal(memory.cma_free, 0);
	assert_int_equal(memory.poisoned, 0);
	assert_int_equal(meminfo_unmovable(&memory, memory.free), 1 * MIB);
	assert_int_equal(dropped(), 0);
}

/* Free memory for movable pages alone is room for the boot kernel, but none for this kernel's own.
 */
static void reserved_for_movable_pages(void **state)
{
	FILE *file = fopen(meminfo, "w");
	struct meminfo memory;
	struct error err;

	(void)state;
	assert_non_null(file);
	fprintf(file,
		"MemTotal: 1024000 kB\nMemFree: %d kB\nMemAvailable: %d kB\n"
		"HardwareCorrupted:     8 kB\nCmaTotal: 65536 kB\nCmaFree: %d kB\n",
		66 << 10, 70 << 10, 60 << 10);
	fclose(file);
	assert_int_equal(room_make(&paths, home(80), &err), 0);
	assert_int_equal(meminfo_read(meminfo, &memory, &err), 0);
	assert_int_equal(meminfo_unmovable(&memory, memory.free), 6 * MIB);
	assert_int_equal(meminfo_unmovable(&memory, memory.available), 10 * MIB);
	assert_int_equal(meminfo_unmovable(&memory, 1), 0);
	assert_int_equal(memory.poisoned, 8192);
}

/* What a boot had for an image counts, if it was a boot of this machine. */
static void measured(void **state)
{
	struct state reserved = { .home_size = 80 * MIB, .reserved = true };
	struct error err;

	(void)state;
	/* 1024 MiB of RAM less 900 for an image, and a 512th for lists: 126 MiB. */
	write_footprint(1024, 1000, 900);
	write_meminfo(1000, 46);
	assert_int_equal(room_make(&paths, home(80), &err), 0);
	assert_int_equal(dropped(), 0);
	write_meminfo(1000, 45);
	assert_int_equal(room_make(&paths, home(80), &err), -ENOMEM);
	assert_int_equal(dropped(), '3');
	/* A boot initramfs larger by 40 MiB; by hand 66 MiB would do. */
	write_footprint(1024, 1000, 838);
	write_meminfo(1000, 66);
	assert_int_equal(room_make(&paths, home(80), &err), -ENOMEM);
	assert_non_null(strstr(err.text, "42 MiB more"));
	assert_int_equal(dropped(), '3');
	/* A reserved range is no room for an image in the boot, and holds nothing here. */
	write_footprint(1024, 1000, 900);
	write_meminfo(1000, 46);
	assert_int_equal(room_make(&paths, &reserved, &err), 0);
	/* 200 MiB came since then, and may not be at hand early in the next boot. */
	write_meminfo(1200, 246);
	assert_int_equal(room_make(&paths, home(81), &err), 0);
	write_meminfo(1200, 245);
	assert_int_equal(room_make(&paths, home(80), &err), -ENOMEM);
	assert_int_equal(dropped(), '3');
	/* Nonsense: the estimate. */
	write_meminfo(1000, 66);
	write_footprint(1024, 1000, 1025);
	assert_int_equal(room_make(&paths, home(80), &err), 0);
	write_footprint(0, 0, 0);
	assert_int_equal(room_make(&paths, home(80), &err), 0);
	write_footprint(1024, 1000, 800);
	assert_int_equal(room_make(&paths, home(80), &err), -ENOMEM);
	assert_int_equal(dropped(), '3');
	assert_int_equal(truncate(footprint, 0), 0);
}

/* Modules that were plugged in are at hand in the next boot as well, with a measure and without. */
static void plugged_in(void **state)
{
	static const uint64_t start = 0, size = 512 * MIB;
	unsigned char params[4096] = { [0x1e8] = 1, [0x2d0 + 16] = 1 };
	char path[128];
	struct error err;
	FILE *file;

	(void)state;
	memcpy(params + 0x2d0, &start, 8);
	memcpy(params + 0x2d8, &size, 8);
	snprintf(path, sizeof(path), "%s/data", boot);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(params, 1, sizeof(params), file), sizeof(params));
	fclose(file);
	file = fopen(iomem, "w");
	assert_non_null(file);
	fputs("00001000-1fffffff : System RAM\n100000000-10fffffff : System RAM\n", file);
	fclose(file);
	/* 96 MiB and a twentieth of 760. */
	write_meminfo(760, 54);
	assert_int_equal(room_make(&paths, home(80), &err), 0);
	/* Measured without them: 512 less 400 MiB, and a 512th of 768. */
	write_footprint(512, 500, 400);
	write_meminfo(756, 34);
	assert_int_equal(room_make(&paths, home(80), &err), 0);
	write_meminfo(756, 33);
	assert_int_equal(room_make(&paths, home(80), &err), -ENOMEM);
	/* Measured with them. */
	write_footprint(768, 756, 656);
	write_meminfo(756, 34);
	assert_int_equal(room_make(&paths, home(80), &err), 0);
	/* What came in other ways has to be free. */
	write_meminfo(776, 54);
	assert_int_equal(room_make(&paths, home(80), &err), 0);
	write_meminfo(776, 53);
	assert_int_equal(room_make(&paths, home(80), &err), -ENOMEM);
	/* Where it cannot be told what they are. */
	unlink(path);
	write_footprint(512, 500, 400);
	write_meminfo(756, 290);
	assert_int_equal(room_make(&paths, home(80), &err), 0);
	write_meminfo(756, 289);
	assert_int_equal(room_make(&paths, home(80), &err), -ENOMEM);
	assert_int_equal(dropped(), '3');
	assert_int_equal(truncate(footprint, 0), 0);
}

/* All that CPUs keep counts, but what the first one does. */
static void kept_by_cpus(void **state)
{
	FILE *file = fopen(zones, "w");
	struct error err;

	(void)state;
	assert_non_null(file);
	for (int zone = 0; zone < 2; zone++)
		fprintf(file,
			"Node 0, zone    DMA32\n  pages free     1234\n        count:    9999\n"
			"  pagesets\n    cpu: 0\n              count:    5000\n              high: "
			" 1\n"
			"    cpu: 1\n              count:    300\n              high:     7424\n"
			"    cpu: 12\n              count:    212\n  vm stats threshold: 24\n"
			"  node_unreclaimable:  0\n    cpu: 0\n");
	fclose(file);
	/* 4 MiB more than is free. */
	write_meminfo(1000, 62);
	assert_int_equal(room_make(&paths, home(80), &err), 0);
	write_meminfo(1000, 61);
	assert_int_equal(room_make(&paths, home(80), &err), -ENOMEM);
	assert_int_equal(dropped(), '3');
	assert_int_equal(truncate(zones, 0), 0);
}

static void unreadable(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(room_make(&nowhere, home(0), &err), -ENOENT);
	FILE *file = fopen(meminfo, "w");

	fputs("MemTotal: 5 kB\n", file);
	fclose(file);
	assert_int_equal(room_make(&paths, home(0), &err), -EINVAL);
}

static int make_files(void **state)
{
	(void)state;
	close(mkstemp(meminfo));
	close(mkstemp(drop));
	close(mkstemp(footprint));
	close(mkstemp(iomem));
	close(mkstemp(zones));
	assert_non_null(mkdtemp(boot));
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	unlink(meminfo);
	unlink(drop);
	unlink(footprint);
	unlink(iomem);
	unlink(zones);
	rmdir(boot);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enough),	cmocka_unit_test(too_little),
		cmocka_unit_test(only_checked), cmocka_unit_test(measured),
		cmocka_unit_test(plugged_in),	cmocka_unit_test(reserved_for_movable_pages),
		cmocka_unit_test(kept_by_cpus), cmocka_unit_test(unreadable),
	};

	return cmocka_run_group_tests_name("room", tests, make_files, remove_files);
}
