/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rehearsal of the search for free pages, on a made-up kernel in an ELF core. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake-kernel.h"
#include "kjump/load/finder.h"
#include "tests/unit/temp-file.h"

static const struct kernel_version version = { "6.12", 0xf0000000, 0xf1000000, true, false,
					       16,     20,	   false,      true };

/* Free pages of the made-up kernel. */
#define FREE 2048

struct fixture {
	struct fake_kernel kernel;
	char core[TEMP_FILE_PATH], iomem[TEMP_FILE_PATH], zoneinfo[TEMP_FILE_PATH];
};

/* Headers and the note in the first two pages, then all of RAM. */
static void write_core(const struct fixture *fixture)
{
	static const char name[12] = "VMCOREINFO";
	const struct fake_kernel *kernel = &fixture->kernel;
	size_t size = strlen(kernel->vmcoreinfo);
	Elf64_Nhdr note = { .n_namesz = 11, .n_descsz = (Elf64_Word)size };
	unsigned char head[2 * FRAME_SIZE] = { 0 };
	Elf64_Ehdr elf = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(elf),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	Elf64_Phdr programs[2] = {
		{ .p_type = PT_NOTE, .p_offset = 256, .p_filesz = sizeof(note) + 12 + size },
		{ .p_type = PT_LOAD, .p_offset = sizeof(head), .p_filesz = KERNEL_RAM },
	};
	FILE *file = fopen(fixture->core, "w");

	assert_non_null(file);
	assert_true(256 + sizeof(note) + 12 + size <= sizeof(head));
	memcpy(head, &elf, sizeof(elf));
	memcpy(head + sizeof(elf), programs, sizeof(programs));
	memcpy(head + 256, &note, sizeof(note));
	memcpy(head + 256 + sizeof(note), name, sizeof(name));
	memcpy(head + 256 + sizeof(note) + sizeof(name), kernel->vmcoreinfo, size);
	assert_int_equal(fwrite(head, 1, sizeof(head), file), sizeof(head));
	assert_int_equal(fwrite(kernel->bytes, 1, KERNEL_RAM, file), KERNEL_RAM);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	kernel_create(&fixture->kernel, &version);
	kernel_set_free(&fixture->kernel, 2048, 10);
	kernel_set_free(&fixture->kernel, 4096, 10);
	kernel_set_counter(&fixture->kernel, FREE);
	temp_file(fixture->core, "");
	temp_file(fixture->iomem, "00001000-02ffffff : System RAM\n"
				  "03200000-03ffffff : System RAM\n");
	temp_file(fixture->zoneinfo, "Node 0, zone      DMA\n"
				     "  pages free     48\n"
				     "      nr_free_pages 48\n"
				     "Node 0, zone    DMA32\n"
				     "  pages free     2000\n"
				     "      nr_free_pages 2000\n"
				     "      nr_free_cma  7\n");
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	kernel_destroy(&fixture->kernel);
	unlink(fixture->core);
	unlink(fixture->iomem);
	unlink(fixture->zoneinfo);
	free(fixture);
	return 0;
}

static int check(struct fixture *fixture, struct error *err)
{
	write_core(fixture);
	return finder_check(fixture->core, fixture->iomem, fixture->zoneinfo, err);
}

static void test_good(void **state)
{
	struct fixture *fixture = *state;
	struct error err;
	uint64_t count;

	assert_int_equal(finder_zone_count(fixture->zoneinfo, &count, &err), 0);
	assert_int_equal(count, FREE);
	if (check(fixture, &err))
		fail_msg("%s", err.text);
}

static void expect_error(struct fixture *fixture, int code, const char *words)
{
	struct error err = { 0 };

	assert_int_equal(check(fixture, &err), -code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void test_other_count(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->zoneinfo);
	temp_file(fixture->zoneinfo, "      nr_free_pages 6000\n");
	assert_int_equal(check(fixture, &(struct error){ 0 }), 0);
	unlink(fixture->zoneinfo);
	temp_file(fixture->zoneinfo, "      nr_free_pages 7000\n");
	expect_error(fixture, EINVAL, "found 2048 free pages where");
	unlink(fixture->zoneinfo);
	temp_file(fixture->zoneinfo, "Node 0, zone      DMA\n");
	expect_error(fixture, ENODATA, "no nr_free_pages");
}

static void test_gate(void **state)
{
	struct fixture *fixture = *state;
	char *key;

	/* A kernel that runs counts while it is looked at; a frozen one would not get through. */
	kernel_set_counter(&fixture->kernel, FREE + 5000);
	assert_int_equal(check(fixture, &(struct error){ 0 }), 0);
	kernel_set_counter(&fixture->kernel, FREE + 6000);
	expect_error(fixture, EINVAL, "the zones count");
	key = strstr(fixture->kernel.vmcoreinfo, "NUMBER(PAGE_BUDDY");
	memset(key, 'X', 6);
	expect_error(fixture, ENODATA, "PAGE_BUDDY_MAPCOUNT_VALUE");
}

static void test_missing(void **state)
{
	struct fixture *fixture = *state;
	struct error err;

	assert_int_equal(
		finder_check("/tmp/kjump-no-such-file", fixture->iomem, fixture->zoneinfo, &err),
		-ENOENT);
	assert_true(finder_check("/dev/null", fixture->iomem, fixture->zoneinfo, &err) < 0);
	fixture->kernel.vmcoreinfo[0] = '\0';
	expect_error(fixture, ENODATA, "vmcoreinfo");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_count, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
