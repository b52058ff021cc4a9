/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks before a restore, and what platform.c reads from fixtures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "memory/efi-map.h"
#include "restore/check.h"

/* --- fixtures ------------------------------------------------------------------------------- */

/* Each test has a directory for its fixtures, in *state. */

static int setup(void **state)
{
	char name[] = "/tmp/test_check.XXXXXX";

	*state = mkdtemp(name) ? strdup(name) : NULL;
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	char command[256];
	int rc;

	snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
	rc = system(command);
	free(*state);
	return rc;
}

static const char *fixture(const char *directory, const char *name, const void *bytes, size_t size)
{
	static char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return path;
}

/* --- state ---------------------------------------------------------------------------------- */

static enum exit_code state_of(uint32_t state, uint32_t kind, uint32_t attempts, bool again,
			       const char *text)
{
	struct image_super super = { .state = state, .kind = kind, .attempts = attempts };
	struct error err = { 0 };
	enum exit_code code;

	strcpy(super.reason, "booted without it");
	code = check_state(&super, again, &err);
	assert_true((code == EXIT_DONE) == (err.code == 0));
	if (text && !strstr(err.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, err.text);
	return code;
}

static void states(void **state)
{
	const uint32_t h = IMAGE_HIBERNATION;

	(void)state;
	assert_int_equal(state_of(IMAGE_VALID, h, 0, false, NULL), EXIT_DONE);
	assert_int_equal(state_of(IMAGE_VALID, h, 1, false, NULL), EXIT_DONE);
	assert_int_equal(state_of(IMAGE_VALID, h, 2, false, "two attempts"), EXIT_FAILED);
	assert_int_equal(state_of(IMAGE_VALID, h, 2, true, NULL), EXIT_DONE);
	assert_int_equal(state_of(IMAGE_HANDED_OVER, h, 1, false, "rd.kjump.again"),
			 EXIT_HANDED_OVER);
	assert_int_equal(state_of(IMAGE_HANDED_OVER, h, 1, true, NULL), EXIT_DONE);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(state_of(IMAGE_EMPTY, 0, 0, again, "no image"), EXIT_NO_IMAGE);
		assert_int_equal(state_of(IMAGE_RESTORED, h, 1, again, "restored already"),
				 EXIT_NO_IMAGE);
		assert_int_equal(state_of(IMAGE_STALE, h, 0, again, "booted without it"),
				 EXIT_NO_IMAGE);
		assert_int_equal(state_of(IMAGE_VALID, IMAGE_CHECKPOINT, 0, again, "checkpoint"),
				 EXIT_NO_IMAGE);
		assert_int_equal(state_of(IMAGE_VALID, IMAGE_CORE, 0, again, "memory dump"),
				 EXIT_NO_IMAGE);
		assert_int_equal(state_of(77, h, 0, again, "unknown state 77"), EXIT_FAILED);
	}
}

static void pending(void **state)
{
	static const struct {
		uint32_t state, kind;
		bool pending;
	} cases[] = {
		{ IMAGE_VALID, IMAGE_HIBERNATION, true },
		{ IMAGE_HANDED_OVER, IMAGE_HIBERNATION, true },
		{ IMAGE_RESTORED, IMAGE_HIBERNATION, false },
		{ IMAGE_STALE, IMAGE_HIBERNATION, false },
		{ IMAGE_VALID, IMAGE_CHECKPOINT, false },
		{ IMAGE_EMPTY, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image_super super = { .state = cases[i].state, .kind = cases[i].kind };

		assert_int_equal(image_waits(&super), cases[i].pending);
	}
}

/* --- platform ------------------------------------------------------------------------------- */

static const struct image_machine machine_was = {
	.cpu_features = CPU_FEATURE_NX | CPU_FEATURE_CET,
	.cpu_signature = 0x000906ea,
	.cpuid = { [CPUID_1_ECX] = 1 },
	.facs_signature = 0x1234,
	.cpu_vendor = "GenuineIntel",
};

static const struct platform machine_is = {
	.cpu_vendor = "GenuineIntel",
	.cpu_signature = 0x000906ea,
	.facs_signature = 0x1234,
	.cpu_features = CPU_FEATURE_NX | CPU_FEATURE_CET,
	.cpu_capabilities = CPU_FEATURE_NX | CPU_FEATURE_CET | CPU_FEATURE_LA57,
	.cpuid = { [CPUID_1_ECX] = 1 },
};

static void platform_case(const struct image_machine *was, const struct platform *is,
			  const char *text)
{
	struct error err = { 0 };
	int rc = check_platform(was, is, &err);

	assert_int_equal(rc, text ? -ENODEV : 0);
	if (text && !strstr(err.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, err.text);
}

static void platform_accepted(void **state)
{
	struct image_machine was = machine_was;
	struct platform is = machine_is;

	(void)state;
	platform_case(&was, &is, NULL);
	is.cpu_signature = 0x000906eb; /* stepping */
	platform_case(&was, &is, NULL);
	is.cpu_signature = 0x000806ea; /* model: a warning */
	platform_case(&was, &is, NULL);
	is.facs_signature = 0; /* not known */
	platform_case(&was, &is, NULL);
	is.cpu_features = CPU_FEATURE_NX; /* CET is there, this kernel does not use it */
	platform_case(&was, &is, NULL);
	is.facs_signature = 0x1235; /* a warning as well */
	platform_case(&was, &is, NULL);
}

static void platform_refused(void **state)
{
	struct image_machine was = machine_was;
	struct platform is = machine_is;

	(void)state;
	strcpy(is.cpu_vendor, "AuthenticAMD");
	platform_case(&was, &is, "CPU vendor");
	is = machine_is;
	is.cpu_signature = 0x00a00f11;
	platform_case(&was, &is, "CPU family");
	is = machine_is;
	is.cpu_features |= CPU_FEATURE_LA57;
	platform_case(&was, &is, "boot with no5lvl");
	is = machine_is;
	was.cpu_features |= CPU_FEATURE_LA57;
	platform_case(&was, &is, "boot without no5lvl");
	was = machine_was;
	is.cpu_features = CPU_FEATURE_CET;
	platform_case(&was, &is, "NX");
	is = machine_is;
	is.cpu_capabilities = CPU_FEATURE_NX;
	platform_case(&was, &is, "CET");
}

static void encryption_case(const char *directory, const char *flags, const char *log,
			    const char *expected)
{
	struct image_machine was = machine_was;
	struct platform is = machine_is;
	struct error err = { 0 };

	assert_int_equal(platform_encryption(fixture(directory, "cpuinfo", flags, strlen(flags)),
					     log, is.encrypted, sizeof(is.encrypted), &err),
			 0);
	assert_string_equal(is.encrypted, expected);
	platform_case(&was, &is, *expected ? expected : NULL);
}

/* Where the firmware or a default of the kernel has encrypted C's memory, C says so. */
static void encrypted_memory(void **state)
{
	encryption_case(*state, "flags\t\t: sme sev nx\n", "[    0.1] Memory: 1 GiB\n", "");
	encryption_case(*state, "flags\t\t: hypervisor nx\n", "", "");
	encryption_case(*state, "flags\t\t: sev hypervisor\n", "", "AMD SEV");
	encryption_case(*state, "flags\t\t: hypervisor tdx_guest\n", "", "Intel TDX");
	encryption_case(
		*state, "flags\t\t: sme\n",
		"[    0.1] x\n<6>[    0.4] Memory Encryption Features active: AMD SME\n[ 1.0] y\n",
		"AMD SME");
	encryption_case(*state, "flags\t\t: sme sev hypervisor\n",
			"AMD Memory Encryption Features active: SEV SEV-ES", "SEV SEV-ES");
}

/* --- EFI runtime map ------------------------------------------------------------------------ */

static const struct efi_range efi_was[] = {
	{ 0x7e9ec000, 0xfffffffeff000000, 48, 0x800000000000000f, 6, 0 },
	{ 0x7ea1c000, 0xfffffffeff100000, 16, 0x800000000000000f, 5, 0 },
};

static void efi_case(size_t was_count, uint64_t digest, const struct efi_range *here, size_t count,
		     const char *text)
{
	struct efi_range was[2];
	struct image_index index = { .machine.efi_runtime_digest = 0x77,
				     .efi = was,
				     .efi_count = was_count };
	struct error err = { 0 };

	memcpy(was, efi_was, sizeof(was));
	assert_int_equal(check_efi(&index, digest, here, count, &err), text ? -ENODEV : 0);
	if (text && (!strstr(err.text, text) || !strstr(err.text, "rd.kjump.force=efi")))
		fail_msg("\"%s\" is not in \"%s\"", text, err.text);
	/* An A that uses no runtime services does not care. */
	index.machine.efi_runtime_digest = 0;
	assert_int_equal(check_efi(&index, digest, here, count, &err), 0);
}

static void efi_changes(void **state)
{
	struct efi_range here[3];

	(void)state;
	efi_case(2, 0x77, NULL, 0, NULL);
	efi_case(2, 0, NULL, 0, "this boot has no EFI runtime map");
	efi_case(0, 0x78, efi_was, 2, "differs from the saved kernel's");
	efi_case(2, 0x78, efi_was, 2, "differs from the saved kernel's"); /* the order */
	efi_case(2, 0x78, efi_was, 1, "0x7ea1c000 (type 5, 16 pages) is not there any more");
	memcpy(here, efi_was, sizeof(efi_was));
	here[1].virtual += 0x1000;
	efi_case(2, 0x78, here, 2,
		 "0x7ea1c000 (type 5, 16 pages) was mapped at 0xfffffffeff100000, is at "
		 "0xfffffffeff101000");
	here[0].pages = 49;
	efi_case(2, 0x78, here, 2, "0x7e9ec000 (type 6, 48 pages) has 49 pages now");
	here[0].type = 5;
	efi_case(2, 0x78, here, 2, "is of type 5 now");
	memcpy(here, efi_was, sizeof(efi_was));
	here[1].attribute = 0xf;
	efi_case(2, 0x78, here, 2, "had attribute 0x800000000000000f, has 0xf");
	here[1] = efi_was[1];
	here[2] = (struct efi_range){ .physical = 0x1000, .pages = 3, .type = 11 };
	efi_case(2, 0x78, here, 3, "0x1000 (type 11, 3 pages) was not there before");
}

/* --- firmware map --------------------------------------------------------------------------- */

static struct run ram_runs[] = { { 0x1, 0x9e }, { 0x100, 0x7ed8 }, { 0x100000, 0x1000 } };

/* A PC's map; RAM is split inside a page at 0x4001234 and is one piece all the same. */
static const struct firmware_range map_was[] = {
	{ 0x0, 0x9fc00, 1, 0 },		{ 0x9fc00, 0x400, 2, 0 },
	{ 0xf0000, 0x10000, 2, 0 },	{ 0x100000, 0x3f01234, 1, 0 },
	{ 0x4001234, 0x3fd6dcc, 1, 0 }, { 0x7fd8000, 0x8000, 3, 0 },
	{ 0x7fe0000, 0x20000, 2, 0 },	{ 0x100000000, 0x1000000, 1, 0 },
};
#define MAP_COUNT (sizeof(map_was) / sizeof(map_was[0]))

static void memory_case_of(struct run *ram, size_t ram_count, const struct firmware_range *here,
			   size_t count, const char *text)
{
	struct firmware_range was[MAP_COUNT];
	struct image_index index = { .ram = { .v = ram, .n = ram_count },
				     .firmware = was,
				     .firmware_count = MAP_COUNT };
	struct error err = { 0 };
	int rc;

	memcpy(was, map_was, sizeof(was));
	rc = check_memory(&index, here, count, &err);
	if (rc != (text ? -ENODEV : 0))
		fail_msg("%d: %s", rc, err.text);
	if (text && !strstr(err.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, err.text);
}

static void memory_case(const struct firmware_range *here, size_t count, const char *text)
{
	memory_case_of(ram_runs, 3, here, count, text);
}

static void memory_accepted(void **state)
{
	struct firmware_range here[MAP_COUNT];

	(void)state;
	memcpy(here, map_was, sizeof(here));
	memory_case(here, MAP_COUNT, NULL);
	here[7].size = 0x80000000; /* more RAM */
	memory_case(here, MAP_COUNT, NULL);
	here[6].type = 4; /* reserved became the firmware's own, none of A's RAM: a warning */
	memory_case(here, MAP_COUNT, NULL);
	here[2].type = 1; /* or became RAM */
	memory_case(here, MAP_COUNT, NULL);
}

static void memory_refused(void **state)
{
	struct firmware_range here[MAP_COUNT];

	(void)state;
	memory_case(map_was, MAP_COUNT - 1, "at 0x100000000-0x100ffffff is no RAM");
	memory_case(map_was, 0, "at 0x1000-0x9efff is no RAM");
	memcpy(here, map_was, sizeof(here));
	here[4].size -= 0x1000; /* the firmware took one page of RAM */
	here[5].start -= 0x1000;
	here[5].size += 0x1000;
	memory_case(here, MAP_COUNT, "at 0x7fd7000-0x7fd7fff is no RAM");
	memcpy(here, map_was, sizeof(here));
	here[3].size -= 1; /* a hole of one byte costs its page */
	memory_case(here, MAP_COUNT, "at 0x4001000-0x4001fff is no RAM");
	memcpy(here, map_was, sizeof(here));
	here[7].type = 7;
	memory_case(here, MAP_COUNT, "at 0x100000000-0x100ffffff is no RAM");
}

/* With A's ACPI tables in the image. */
static struct run ram_and_tables[] = { { 0x1, 0x9e }, { 0x100, 0x7ee0 }, { 0x100000, 0x1000 } };

/* The firmware's ACPI tables at START, RAM below and behind them up to the reserved range. */
static void slide(struct firmware_range here[MAP_COUNT + 1], uint64_t start, uint64_t size)
{
	memcpy(here, map_was, sizeof(map_was));
	here[4].size = start - here[4].start;
	here[5].start = start;
	here[5].size = size;
	here[MAP_COUNT] = here[7];
	here[7] = here[6];
	here[6] = (struct firmware_range){ start + size, 0x7fe0000 - start - size, 1, 0 };
}

/* Tables that move from boot to boot, into what was RAM and out of what is: A gets its own back. */
static void tables_move(void **state)
{
	struct firmware_range here[MAP_COUNT + 1];

	(void)state;
	memory_case_of(ram_and_tables, 3, map_was, MAP_COUNT, NULL);
	slide(here, 0x7fd5000, 0x8000);
	memory_case_of(ram_and_tables, 3, here, MAP_COUNT + 1, NULL);
	slide(here, 0x7fd5000, 0xa000); /* and grow */
	memory_case_of(ram_and_tables, 3, here, MAP_COUNT + 1, NULL);
	slide(here, 0x7f00000, 0x1000); /* or shrink, far away */
	memory_case_of(ram_and_tables, 3, here, MAP_COUNT + 1, NULL);
	/* Not when A's are not in the image: what it knows is no longer there. */
	slide(here, 0x7fd5000, 0x8000);
	memory_case(here, MAP_COUNT + 1, "at 0x7fd5000-0x7fd7fff is no RAM");
	slide(here, 0x7fda000, 0x6000);
	memory_case(here, MAP_COUNT + 1, "where the saved kernel has its ACPI tables");
	/* Nor into or out of what the firmware uses itself. */
	slide(here, 0x7fd5000, 0x8000);
	here[6].type = 2;
	memory_case_of(ram_and_tables, 3, here, MAP_COUNT + 1, "at 0x7fdd000-0x7fdffff is no RAM");
	here[5].type = 4;
	memory_case_of(ram_and_tables, 3, here, MAP_COUNT + 1, "at 0x7fd5000-0x7fdffff is no RAM");
}

/* What firmware and A share must stay, also where no RAM of A's is near. */
static void shared_memory_moves(void **state)
{
	struct run ram = { 0x100, 0x100 };
	struct firmware_range was = { 0x300000, 0x2000, 4, 0 };
	struct firmware_range here[] = { { 0x100000, 0x100000, 1, 0 }, { 0x300000, 0x2000, 4, 0 } };
	struct image_index index = { .ram = { .v = &ram, .n = 1 },
				     .firmware = &was,
				     .firmware_count = 1 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(check_memory(&index, here, 2, &err), 0);
	here[1].start += 0x1000;
	assert_int_equal(check_memory(&index, here, 2, &err), -ENODEV);
	assert_non_null(strstr(err.text, "0x300000-0x301fff (type 4), which the saved kernel "
					 "shares with the firmware"));
}

/* A recorded range that A's firmware kept, which overlaps A's RAM, and is RAM now. */
static void memory_overlap_refused(void **state)
{
	struct run ram = { 0x100, 0x100 };
	struct firmware_range was = { 0x180000, 0x1000, 2, 0 };
	struct firmware_range here = { 0x100000, 0x100000, 1, 0 };
	struct image_index index = { .ram = { .v = &ram, .n = 1 },
				     .firmware = &was,
				     .firmware_count = 1 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(check_memory(&index, &here, 1, &err), -ENODEV);
	assert_non_null(
		strstr(err.text, "0x180000-0x180fff (type 2), where the saved kernel has RAM"));
	was.start = 0x200000; /* right behind the RAM */
	assert_int_equal(check_memory(&index, &here, 1, &err), 0);
}

/* --- platform.c ----------------------------------------------------------------------------- */

static uint64_t features(const char *directory, const char *text)
{
	struct error err = { 0 };
	uint64_t ret = 0;

	assert_int_equal(platform_cpu_features(fixture(directory, "cpuinfo", text, strlen(text)),
					       &ret, &err),
			 0);
	return ret;
}

static void cpu_features(void **state)
{
	const char *directory = *state;
	struct error err = { 0 };
	uint64_t ret;

	assert_int_equal(
		features(directory, "vendor\t: x\nflags\t\t: fpu nx la57 ibt\nbugs\t: nx\n"),
		CPU_FEATURE_NX | CPU_FEATURE_LA57 | CPU_FEATURE_CET | CPU_FEATURE_IBT);
	assert_int_equal(features(directory, "flags\t\t: fpu user_shstk\nflags\t\t: nx\n"),
			 CPU_FEATURE_CET);
	assert_int_equal(features(directory, "flags\t\t: nxx anx la57x\n"), 0);
	assert_int_equal(features(directory, "vmx flags\t: nx\nflags\t\t:\n"), 0);
	assert_int_equal(platform_cpu_features(fixture(directory, "cpuinfo", "a\n", 2), &ret, &err),
			 -ENODATA);
	assert_int_equal(platform_cpu_features("/nowhere", &ret, &err), -ENOENT);
}

static void facs(void **state)
{
	const char *directory = *state;
	static const char table[] = "FACS\x40\0\0\0\x78\x56\x34\x12more";
	struct error err = { 0 };
	uint32_t ret = 1;

	assert_int_equal(platform_facs_signature(fixture(directory, "facs", table, 16), &ret, &err),
			 0);
	assert_int_equal(ret, 0x12345678);
	assert_int_equal(platform_facs_signature(fixture(directory, "facs", table, 11), &ret, &err),
			 0);
	assert_int_equal(ret, 0);
	assert_int_equal(
		platform_facs_signature(fixture(directory, "facs", "XXXX12345678", 12), &ret, &err),
		0);
	assert_int_equal(ret, 0);
	assert_int_equal(platform_facs_signature("/nowhere", &ret, &err), 0);
	assert_int_equal(ret, 0);
}

/* Write entry NUMBER of TYPE with texts "NUMBER.1" to "NUMBER.4", append them to ALL. */
static void efi_entry(const char *directory, unsigned number, const char *type, char *all)
{
	static const char *const names[] = { "type", "phys_addr", "virt_addr", "num_pages",
					     "attribute" };
	char name[64], text[32];

	snprintf(name, sizeof(name), "%s/%u", directory, number);
	assert_int_equal(mkdir(name, 0700), 0);
	for (size_t i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%u/%s", number, names[i]);
		snprintf(text, sizeof(text), "%u.%zu\n", number, i);
		if (i == 0)
			strcpy(text, type);
		fixture(directory, name, text, strlen(text));
		strcat(all, text);
	}
}

static void efi_digest(void **state)
{
	const char *directory = *state;
	struct error err = { 0 };
	char all[1024] = "", moving[1024] = "", path[128];
	struct efi_range *map = NULL;
	size_t count = 0;
	uint64_t digest = 1;

	assert_int_equal(platform_efi_digest(directory, &digest, &err), 0);
	assert_int_equal(digest, 0);
	/* Eleven, so that the order by number is not the order by name. */
	for (unsigned i = 0; i < 11; i++) {
		if (i == 4)
			efi_entry(directory, i, "0x4\n", moving); /* boot services data */
		else
			efi_entry(directory, i, i % 2 ? "0x5\n" : "0xb\n", all);
	}
	assert_int_equal(platform_efi_digest(directory, &digest, &err), 0);
	assert_true(digest == XXH3_64bits(all, strlen(all)));
	assert_int_equal(efi_map_read(directory, &map, &count, &err), 0);
	assert_int_equal(count, 10);
	assert_int_equal(map[0].type, 0xb);
	assert_int_equal(map[4].type, 0x5);
	assert_int_equal(map[4].physical, 5); /* "5.1" */
	free(map);
	snprintf(path, sizeof(path), "%s/10/attribute", directory);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(platform_efi_digest(directory, &digest, &err), -ENOENT);
	assert_non_null(strstr(err.text, "10/attribute"));
	assert_int_equal(efi_map_read(directory, &map, &count, &err), -ENOENT);
}

/* This machine, whatever it is, must agree with itself. */
static void platform_here(void **state)
{
	struct platform here;
	struct image_machine machine = { 0 };
	struct error err = { 0 };

	(void)state;
	if (access("/sys/firmware/acpi/tables/FACS", F_OK) == 0 &&
	    access("/sys/firmware/acpi/tables/FACS", R_OK) != 0)
		skip();
	assert_int_equal(platform_read(&here, &err), 0);
	assert_true(here.cpu_vendor[0]);
	assert_true(here.cpu_signature);
	assert_int_equal(here.cpu_features & ~here.cpu_capabilities, 0);
	assert_true(here.cpuid[CPUID_1_EDX] & (1u << 26)); /* SSE2, as on all of this kind */
	/* x87 and SSE are always on where there is XSAVE. */
	assert_true(here.xcr0 == 0 || (here.xcr0 & 3) == 3);
	assert_int_equal(here.xcr0 & UINT32_MAX & ~here.cpuid[CPUID_D_0_EAX], 0);
	memcpy(machine.cpu_vendor, here.cpu_vendor, sizeof(machine.cpu_vendor));
	machine.cpu_signature = here.cpu_signature;
	machine.cpu_features = here.cpu_features;
	machine.facs_signature = here.facs_signature;
	assert_int_equal(check_platform(&machine, &here, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(pending),
		cmocka_unit_test(platform_accepted),
		cmocka_unit_test(platform_refused),
		cmocka_unit_test_setup_teardown(encrypted_memory, setup, teardown),
		cmocka_unit_test(efi_changes),
		cmocka_unit_test(memory_accepted),
		cmocka_unit_test(memory_refused),
		cmocka_unit_test(tables_move),
		cmocka_unit_test(shared_memory_moves),
		cmocka_unit_test(memory_overlap_refused),
		cmocka_unit_test_setup_teardown(cpu_features, setup, teardown),
		cmocka_unit_test_setup_teardown(facs, setup, teardown),
		cmocka_unit_test_setup_teardown(efi_digest, setup, teardown),
		cmocka_unit_test(platform_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
