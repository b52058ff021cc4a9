/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's list of swapped pages: found in a core file, walked in memory, whole and damaged. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory/kexec-list.h"

#define FRAMES	    64
#define ENTRIES	    (FRAME_SIZE / sizeof(uint64_t))
#define DESTINATION 0x1
#define INDIRECTION 0x2
#define DONE	    0x4
#define SOURCE	    0x8
#define ENTRY(pfn)  ((uint64_t)(pfn) << FRAME_SHIFT)

/* RAM is [1, 60), the home [4, 8) and [20, 30). */
static struct run ram_run[] = { { 1, 59 } };
static struct run home_runs[] = { { 4, 4 }, { 20, 10 } };
static const struct runs ram = { .v = ram_run, .n = 1 }, home = { .v = home_runs, .n = 2 };

struct fixture {
	char path[32];
	FILE *file;
	struct memory *memory;
	uint64_t source[FRAMES]; /* by destination, as visited */
	int stop;		 /* at this destination */
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error err;
	int fd;

	assert_non_null(fixture);
	strcpy(fixture->path, "/tmp/kjump-test-XXXXXX");
	fd = mkstemp(fixture->path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, FRAMES * FRAME_SIZE), 0);
	fixture->file = fdopen(fd, "r+");
	assert_int_equal(memory_open(fixture->path, &fixture->memory, &err), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	memory_close(fixture->memory);
	fclose(fixture->file);
	unlink(fixture->path);
	free(fixture);
	return 0;
}

static void put(struct fixture *fixture, uint64_t offset, const void *bytes, size_t size)
{
	assert_int_equal(fseek(fixture->file, (long)offset, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, size, fixture->file), size);
	assert_int_equal(fflush(fixture->file), 0);
}

static int note(void *context, uint64_t destination, uint64_t source, struct error *err)
{
	struct fixture *fixture = context;

	assert_int_equal(fixture->source[destination], 0);
	fixture->source[destination] = source;
	return fixture->stop == (int)destination ? error_set(err, ENOSPC, "full") : 0;
}

static int walk(struct fixture *fixture, uint64_t head, struct error *err)
{
	const struct frozen frozen = {
		.memory = fixture->memory, .ram = &ram, .home = &home, .list = head
	};

	memset(fixture->source, 0, sizeof(fixture->source));
	return kexec_list_walk(&frozen, note, fixture, err);
}

static void test_walk(void **state)
{
	/* Frame 25 was free and stays where it is. */
	const uint64_t first[] = { ENTRY(5) | DESTINATION, ENTRY(40) | SOURCE, ENTRY(33) | SOURCE,
				   ENTRY(25) | DESTINATION, ENTRY(25) | SOURCE };
	const uint64_t second[] = { ENTRY(59) | SOURCE, DONE };
	const uint64_t next = ENTRY(3) | INDIRECTION;
	struct fixture *fixture = *state;
	struct error err;

	put(fixture, 2 * FRAME_SIZE, first, sizeof(first));
	put(fixture, 2 * FRAME_SIZE + sizeof(first), &next, sizeof(next));
	put(fixture, 3 * FRAME_SIZE, second, sizeof(second));
	assert_int_equal(walk(fixture, ENTRY(2) | INDIRECTION, &err), 0);
	for (uint64_t i = 0; i < FRAMES; i++)
		assert_int_equal(fixture->source[i], i == 5 ? 40 : i == 6 ? 33 : i == 26 ? 59 : 0);
	assert_int_equal(walk(fixture, DONE, &err), 0);
}

static void test_visitor_stops(void **state)
{
	const uint64_t list[] = { ENTRY(20) | DESTINATION, ENTRY(40) | SOURCE, ENTRY(41) | SOURCE,
				  DONE };
	struct fixture *fixture = *state;
	struct error err;

	put(fixture, 2 * FRAME_SIZE, list, sizeof(list));
	fixture->stop = 20;
	assert_int_equal(walk(fixture, ENTRY(2) | INDIRECTION, &err), -ENOSPC);
	assert_int_equal(fixture->source[21], 0);
}

static void test_damage(void **state)
{
	static const struct {
		uint64_t head, list[4];
		const char *message;
	} cases[] = {
		{ ENTRY(61) | INDIRECTION, { DONE }, "frame 0x3d is out of place" },
		{ ENTRY(21) | INDIRECTION, { DONE }, "frame 0x15 is out of place" },
		{ ENTRY(2) | INDIRECTION, { ENTRY(9) | DESTINATION, ENTRY(40) | SOURCE }, "0x9 " },
		{ ENTRY(2) | INDIRECTION, { ENTRY(40) | SOURCE }, "frame 0 is out of place" },
		{ ENTRY(2) | INDIRECTION, { ENTRY(4) | DESTINATION, ENTRY(22) | SOURCE }, "0x16 " },
		{ ENTRY(2) | INDIRECTION,
		  { ENTRY(4) | DESTINATION, ENTRY(0) | SOURCE },
		  "frame 0 " },
		{ ENTRY(2) | INDIRECTION, { ENTRY(4) | DESTINATION }, "no end" },
		{ ENTRY(2) | INDIRECTION, { ENTRY(2) | INDIRECTION }, "no end" },
		{ ENTRY(4) | DESTINATION, { DONE }, "no end" },
		{ 0, { DONE }, "no end" },
	};
	struct fixture *fixture = *state;
	struct error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		put(fixture, 2 * FRAME_SIZE, cases[i].list, sizeof(cases[i].list));
		assert_int_equal(walk(fixture, cases[i].head, &err), -EUCLEAN);
		assert_non_null(strstr(err.text, cases[i].message));
	}
}

static void test_list_without_end(void **state)
{
	struct fixture *fixture = *state;
	uint64_t list[ENTRIES];
	struct error err;

	for (size_t i = 0; i < ENTRIES; i++)
		list[i] = ENTRY(4) | DESTINATION;
	put(fixture, 2 * FRAME_SIZE, list, sizeof(list));
	assert_int_equal(walk(fixture, ENTRY(2) | INDIRECTION, &err), -EUCLEAN);
}

/* A core with two segments: the pointer `kexec_image`, and struct kimage, which it points to. */
#define POINTER_AT 0xffffffff82345678ULL
#define IMAGE_AT   0xffff888001234500ULL

static void put_core(struct fixture *fixture, uint64_t pointer)
{
	const struct {
		Elf64_Ehdr elf;
		Elf64_Phdr segments[2];
		uint64_t pointer, head;
	} core = {
		.elf = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				      EV_CURRENT },
			 .e_type = ET_CORE,
			 .e_machine = EM_X86_64,
			 .e_phoff = sizeof(Elf64_Ehdr),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 2 },
		.segments = { { .p_type = PT_LOAD,
				.p_vaddr = POINTER_AT,
				.p_offset = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr),
				.p_filesz = 8 },
			      { .p_type = PT_LOAD,
				.p_vaddr = IMAGE_AT,
				.p_offset = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr) + 8,
				.p_filesz = 8 } },
		.pointer = pointer,
		.head = ENTRY(2) | INDIRECTION,
	};

	put(fixture, 0, &core, sizeof(core));
}

static void test_find(void **state)
{
	struct fixture *fixture = *state;
	char symbols[48];
	struct error err;
	uint64_t head;
	FILE *file;

	snprintf(symbols, sizeof(symbols), "%s.symbols", fixture->path);
	file = fopen(symbols, "w");
	assert_non_null(file);
	fprintf(file, "%llx T _text\n%llx B kexec_image\n", POINTER_AT & ~0xfffffULL, POINTER_AT);
	fclose(file);
	put_core(fixture, IMAGE_AT);
	assert_int_equal(kexec_list_find(symbols, fixture->path, &head, &err), 0);
	assert_int_equal(head, ENTRY(2) | INDIRECTION);
	put_core(fixture, 0);
	assert_int_equal(kexec_list_find(symbols, fixture->path, &head, &err), -ENOENT);
	put_core(fixture, IMAGE_AT + 1);
	assert_int_equal(kexec_list_find(symbols, fixture->path, &head, &err), -ENXIO);
	put_core(fixture, IMAGE_AT - 1);
	assert_int_equal(kexec_list_find(symbols, fixture->path, &head, &err), -ENXIO);
	file = fopen(symbols, "w");
	fputs("0000000000000000 B kexec_image\n", file);
	fclose(file);
	assert_int_equal(kexec_list_find(symbols, fixture->path, &head, &err), -EPERM);
	file = fopen(symbols, "w");
	fputs("ffffffff81000000 T _text\n", file);
	fclose(file);
	assert_int_equal(kexec_list_find(symbols, fixture->path, &head, &err), -ENOENT);
	unlink(symbols);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_walk),   TEST(test_visitor_stops),
		TEST(test_damage), TEST(test_list_without_end),
		TEST(test_find),
	};

	return cmocka_run_group_tests_name("kexec_list", tests, NULL, NULL);
}
