/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Placing the home, reading a bzImage, and kernel B's memory map. */
#include <asm/bootparam.h>
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

#include "jump/bootparams.h"
#include "jump/jump.h"
#include "kjump/load/scratch.h"

#define MIB	      (1ULL << 20)
#define FRAMES(bytes) ((bytes) / FRAME_SIZE)
#define RESERVED      (1ULL << 32)
#define BUDDY	      (1ULL << 10)
#define PGTABLE	      (1ULL << 26)

static char path[] = "/tmp/kjump-test-load.XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	return fd < 0 ? -1 : 0;
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void write_file(const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* Page flags of 64 MiB: FLAGS for frames [from, to). */
static void set_flags(uint64_t *flags, uint64_t from, uint64_t to, uint64_t value)
{
	for (uint64_t i = FRAMES(from); i < FRAMES(to); i++)
		flags[i] = value;
}

static int place_beside(uint64_t *flags, uint64_t size, struct run *avoid,
			const struct runs *movable, uint64_t *ret, struct error *err)
{
	struct run ram[] = { { 1, 158 }, { 256, FRAMES(63 * MIB) } };
	struct runs ram_runs = { .v = ram, .n = 2 };
	struct runs avoid_runs = { .v = avoid, .n = avoid ? 1 : 0 };

	write_file(flags, FRAMES(64 * MIB) * sizeof(*flags));
	return jump_place(&ram_runs, &avoid_runs, movable, path, size, ret, err);
}

static int place(uint64_t *flags, uint64_t size, struct run *avoid, uint64_t *ret,
		 struct error *err)
{
	static const struct runs none;

	return place_beside(flags, size, avoid, &none, ret, err);
}

static void home_prefers_used_memory(void **state)
{
	uint64_t *flags = calloc(FRAMES(64 * MIB), sizeof(*flags));
	struct error err;
	uint64_t at;

	(void)state;
	set_flags(flags, 0, 64 * MIB, BUDDY);
	set_flags(flags, 20 * MIB, 36 * MIB, 0);
	assert_int_equal(place(flags, 16 * MIB, NULL, &at, &err), 0);
	assert_int_equal(at, 20 * MIB);
	free(flags);
}

static void write_text(const char *directory, const char *name, const char *text)
{
	char file[128];
	FILE *stream;

	snprintf(file, sizeof(file), "%s/%s", directory, name);
	stream = fopen(file, "w");
	assert_non_null(stream);
	fputs(text, stream);
	fclose(stream);
}

/* Free frames of a handover's scratch areas are as good as any. */
static void home_in_scratch(void **state)
{
	uint64_t *flags = calloc(FRAMES(64 * MIB), sizeof(*flags));
	char directory[] = "/tmp/kjump-scratch-XXXXXX", command[64];
	struct runs movable = { 0 };
	struct error err;
	uint64_t at;

	(void)state;
	assert_non_null(mkdtemp(directory));
	scratch_read(directory, &movable);
	assert_int_equal(movable.n, 0);
	write_text(directory, "scratch_phys", "0x2800000\n0x1400000\n");
	write_text(directory, "scratch_len", "0x1000000\n0x800000\n");
	scratch_read(directory, &movable);
	assert_int_equal(movable.n, 2);
	set_flags(flags, 0, 64 * MIB, BUDDY);
	set_flags(flags, 30 * MIB, 38 * MIB, 0);
	assert_int_equal(place_beside(flags, 16 * MIB, NULL, &movable, &at, &err), 0);
	assert_int_equal(at, 40 * MIB);
	assert_int_equal(place(flags, 16 * MIB, NULL, &at, &err), 0);
	assert_int_equal(at, 22 * MIB);
	runs_free(&movable);
	free(flags);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
}

static void home_avoids_reserved_frames_page_tables_and_the_mailbox(void **state)
{
	uint64_t *flags = calloc(FRAMES(64 * MIB), sizeof(*flags));
	struct run mailbox = { FRAMES(30 * MIB), 512 };
	struct error err;
	uint64_t at;

	(void)state;
	flags[FRAMES(13 * MIB)] = RESERVED;
	flags[FRAMES(21 * MIB)] = PGTABLE;
	/* Free: [2,12) 10 MiB, [14,30) with a page table in it, [32,64). */
	assert_int_equal(place(flags, 10 * MIB, &mailbox, &at, &err), 0);
	assert_int_equal(at, 2 * MIB);
	assert_int_equal(place(flags, 12 * MIB, &mailbox, &at, &err), 0);
	assert_int_equal(at, 32 * MIB);
	free(flags);
}

static void no_room_for_the_home(void **state)
{
	uint64_t *flags = calloc(FRAMES(64 * MIB), sizeof(*flags));
	struct error err;
	uint64_t at;

	(void)state;
	flags[FRAMES(33 * MIB)] = RESERVED;
	assert_int_equal(place(flags, 32 * MIB, NULL, &at, &err), -ENOMEM);
	assert_non_null(strstr(err.text, "no 32 MiB in one piece"));
	free(flags);
}

/* The smallest thing that passes for a bzImage. */
static void fill_bzimage(unsigned char *bytes, size_t size)
{
	struct setup_header header = { .setup_sects = 3,
				       .boot_flag = 0xaa55,
				       .header = 0x53726448,
				       .version = 0x20f,
				       .relocatable_kernel = 1,
				       .kernel_alignment = 2 * MIB,
				       .xloadflags = XLF_KERNEL_64,
				       .init_size = 10 * MIB };

	memset(bytes, 0, size);
	memcpy(bytes + 0x1f1, &header, sizeof(header));
	bytes[0x201] = 0x6a;
}

static void bzimage_is_read(void **state)
{
	unsigned char bytes[4096];
	struct jump_kernel kernel;
	struct error err;

	(void)state;
	fill_bzimage(bytes, sizeof(bytes));
	write_file(bytes, sizeof(bytes));
	assert_int_equal(jump_kernel_read(path, &kernel, &err), 0);
	assert_int_equal(kernel.setup_size, 4 * 512);
	assert_int_equal(kernel.init_size, 10 * MIB);
	jump_kernel_free(&kernel);
}

/* Out of a unified image, whose other sections are left alone; a kernel that is cut off is none. */
static void unified_image_is_read(void **state)
{
	unsigned char bytes[2048 + 4096] = "MZ";
	unsigned char *entry = bytes + 128 + 24;
	const uint32_t header = 128, size = 4096, offset = 2048;
	struct jump_kernel kernel;
	struct error err;

	(void)state;
	memcpy(bytes + 0x3c, &header, 4);
	memcpy(bytes + 128, "PE\0", 4);
	bytes[134] = 1;
	memcpy(entry, ".linux", 6);
	memcpy(entry + 8, &size, 4);
	memcpy(entry + 16, &size, 4);
	memcpy(entry + 20, &offset, 4);
	fill_bzimage(bytes + offset, size);
	write_file(bytes, sizeof(bytes));
	assert_int_equal(jump_kernel_read(path, &kernel, &err), 0);
	assert_int_equal(kernel.size, size);
	assert_memory_equal(kernel.bytes, bytes + offset, size);
	jump_kernel_free(&kernel);
	write_file(bytes, sizeof(bytes) - 1);
	assert_int_equal(jump_kernel_read(path, &kernel, &err), -EINVAL);
}

static void bad_bzimages_are_refused(void **state)
{
	static const struct {
		size_t offset;
		const char *message;
	} cases[] = {
		{ offsetof(struct setup_header, header), "not a bzImage" },
		{ offsetof(struct setup_header, xloadflags), "no 64-bit entry point" },
		{ offsetof(struct setup_header, relocatable_kernel), "CONFIG_RELOCATABLE" },
	};
	unsigned char bytes[4096];
	struct jump_kernel kernel;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fill_bzimage(bytes, sizeof(bytes));
		bytes[0x1f1 + cases[i].offset] = 0;
		write_file(bytes, sizeof(bytes));
		assert_int_equal(jump_kernel_read(path, &kernel, &err), -EINVAL);
		assert_non_null(strstr(err.text, cases[i].message));
	}
	fill_bzimage(bytes, sizeof(bytes));
	write_file(bytes, 4 * 512); /* ends where the kernel proper begins */
	assert_int_equal(jump_kernel_read(path, &kernel, &err), -EINVAL);
	write_file(bytes, 100);
	assert_int_equal(jump_kernel_read(path, &kernel, &err), -EINVAL);
	assert_int_equal(jump_kernel_read("/nonexistent", &kernel, &err), -ENOENT);
}

static void only_the_home_is_ram_for_b(void **state)
{
	const struct firmware_range firmware[] = {
		{ 0, 0x9fc00, 1, 0 },	      { 0x9fc00, 0x400, 2, 0 },
		{ 0xf0000, 0x10000, 2, 0 },   { MIB, 127 * MIB, 1, 0 },
		{ 128 * MIB, 0x20000, 3, 0 }, { 0x100000000, 64 * MIB, 1, 0 },
	};
	const struct boot_e820_entry wanted[] = {
		{ 0, 0x1000, 2 },
		{ 0x1000, 0x9e000, 1 },
		{ 0x9f000, 0x1000, 2 }, /* the rest of A's low memory and what follows it */
	};
	struct run low_run = { 1, 0x9e };
	struct runs low = { .v = &low_run, .n = 1 };
	struct boot_layout layout = { .home = 32 * MIB, .home_end = 64 * MIB };
	unsigned char bytes[4096];
	struct jump_kernel kernel = { .bytes = bytes, .size = sizeof(bytes) };
	struct boot_params params = { 0 };
	struct error err;

	(void)state;
	fill_bzimage(bytes, sizeof(bytes));
	assert_int_equal(bootparams_fill(&params, NULL, &kernel, &layout, &low, firmware, 6, &err),
			 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(params.e820_table[i].addr, wanted[i].addr);
		assert_int_equal(params.e820_table[i].size, wanted[i].size);
		assert_int_equal(params.e820_table[i].type, wanted[i].type);
	}
	/* ACPI tables are to be read, so they are reserved like A's RAM before them. */
	for (size_t i = 0; i < params.e820_entries; i++)
		assert_int_not_equal(params.e820_table[i].type, 3);
	/* RAM: low memory and the home, nothing else; no byte in two entries. */
	uint64_t ram = 0, end = 0;

	for (size_t i = 0; i < params.e820_entries; i++) {
		struct boot_e820_entry entry = params.e820_table[i];

		assert_true(entry.addr >= end);
		end = entry.addr + entry.size;
		if (entry.type == 1)
			ram += entry.size;
	}
	assert_int_equal(ram, 0x9e000 + 32 * MIB);
	assert_int_equal(end, 0x100000000 + 64 * MIB);
}

/* A table of COUNT entries of a MiB, no two of which touch; the result as one list. */
static int long_map(size_t count, struct boot_params *params, void *setup_data, struct error *err)
{
	struct firmware_range *firmware = calloc(count, sizeof(*firmware));
	struct boot_layout layout = { .home = 32 * MIB,
				      .home_end = 64 * MIB,
				      .setup_data = 32 * MIB + HEAD_SETUP_DATA };
	struct runs low = { 0 };
	unsigned char bytes[4096];
	struct jump_kernel kernel = { .bytes = bytes, .size = sizeof(bytes) };
	int r;

	for (size_t i = 0; i < count; i++)
		firmware[i] = (struct firmware_range){ 0x100000000 + 2 * i * MIB, MIB, 4, 0 };
	memset(params, 0, sizeof(*params));
	memset(setup_data, 0, HEAD_SETUP_SIZE);
	fill_bzimage(bytes, sizeof(bytes));
	r = bootparams_fill(params, setup_data, &kernel, &layout, &low, firmware, count, err);
	free(firmware);
	return r;
}

/* More entries than the boot parameters have room for follow in struct setup_data. */
static void long_memory_maps(void **state)
{
	struct setup_data *more = malloc(HEAD_SETUP_SIZE);
	struct boot_params params;
	struct error err;

	(void)state;
	assert_int_equal(long_map(128, &params, more, &err), 0);
	assert_int_equal(params.e820_entries, 128);
	assert_int_equal(params.hdr.setup_data, 0);
	assert_int_equal(more->len, 0);

	assert_int_equal(long_map(1100, &params, more, &err), 0);
	assert_int_equal(params.e820_entries, 128);
	assert_int_equal(params.hdr.setup_data, 32 * MIB + HEAD_SETUP_DATA);
	assert_int_equal(more->next, 0);
	assert_int_equal(more->type, SETUP_E820_EXT);
	assert_int_equal(more->len, (1100 - 128) * 20);
	for (size_t i = 0; i < 1100; i++) {
		struct boot_e820_entry entry;

		memcpy(&entry,
		       i < 128 ? (char *)&params.e820_table[i]
			       : (char *)more->data + (i - 128) * 20,
		       sizeof(entry));
		assert_int_equal(entry.addr, 0x100000000 + 2 * i * MIB);
		assert_int_equal(entry.size, MIB);
		assert_int_equal(entry.type, 4);
	}
	assert_int_equal(long_map(128 + 3276, &params, more, &err), 0);
	assert_int_equal(long_map(128 + 3277, &params, more, &err), -E2BIG);
	free(more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(home_prefers_used_memory),
		cmocka_unit_test(home_in_scratch),
		cmocka_unit_test(home_avoids_reserved_frames_page_tables_and_the_mailbox),
		cmocka_unit_test(no_room_for_the_home),
		cmocka_unit_test(bzimage_is_read),
		cmocka_unit_test(unified_image_is_read),
		cmocka_unit_test(bad_bzimages_are_refused),
		cmocka_unit_test(only_the_home_is_ram_for_b),
		cmocka_unit_test(long_memory_maps),
	};

	return cmocka_run_group_tests_name("load", tests, make_file, remove_file);
}
