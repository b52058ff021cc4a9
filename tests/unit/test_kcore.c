/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMCOREINFO out of ELF core files, whole and damaged.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kjump/kcore.h"

#define TEXT "OSRELEASE=6.12.0\nPAGESIZE=4096\n"

/* A core file: a load segment, then one of notes: CORE and VMCOREINFO. */
struct core {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	unsigned char notes[256];
};

/* Where the second note begins in `notes`: the first has a name of 5 bytes and 7 of description. */
#define SECOND (sizeof(Elf64_Nhdr) + 8 + 8)

static size_t add_note(unsigned char *at, const char *name, const char *text, size_t size)
{
	Elf64_Nhdr note = { .n_namesz = (Elf64_Word)strlen(name) + 1,
			    .n_descsz = (Elf64_Word)size };
	size_t name_size = (note.n_namesz + 3) & ~3U;

	memcpy(at, &note, sizeof(note));
	memcpy(at + sizeof(note), name, note.n_namesz);
	memcpy(at + sizeof(note) + name_size, text, size);
	return sizeof(note) + name_size + ((size + 3) & ~3UL);
}

static void make_core(struct core *core)
{
	size_t size;

	memset(core, 0, sizeof(*core));
	memcpy(core->header.e_ident, ELFMAG, SELFMAG);
	core->header.e_ident[EI_CLASS] = ELFCLASS64;
	core->header.e_ident[EI_DATA] = ELFDATA2LSB;
	core->header.e_type = ET_CORE;
	core->header.e_phoff = offsetof(struct core, segments);
	core->header.e_phentsize = sizeof(Elf64_Phdr);
	core->header.e_phnum = 2;
	core->segments[0].p_type = PT_LOAD;
	size = add_note(core->notes, "CORE", "status!", 7);
	size += add_note(core->notes + size, "VMCOREINFO", TEXT, strlen(TEXT));
	core->segments[1].p_type = PT_NOTE;
	core->segments[1].p_offset = offsetof(struct core, notes);
	core->segments[1].p_filesz = size;
}

static int read_core(const struct core *core, size_t file_size, char *text, size_t max,
		     size_t *size, struct error *err)
{
	char path[] = "/tmp/kjump-kcore-XXXXXX";
	int fd = mkstemp(path);
	int ret;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, core, file_size), file_size);
	close(fd);
	memset(err, 0, sizeof(*err));
	ret = kcore_vmcoreinfo(path, text, max, size, err);
	unlink(path);
	return ret;
}

static void test_found(void **state)
{
	struct core core;
	struct error err;
	char text[128];
	size_t size;

	(void)state;
	make_core(&core);
	assert_int_equal(read_core(&core, sizeof(core), text, sizeof(text), &size, &err), 0);
	assert_string_equal(text, TEXT);
	assert_int_equal(size, strlen(TEXT));
}

static void test_room(void **state)
{
	struct core core;
	struct error err;
	char text[128];
	size_t size;

	(void)state;
	make_core(&core);
	assert_int_equal(read_core(&core, sizeof(core), text, strlen(TEXT) + 1, &size, &err), 0);
	assert_int_equal(read_core(&core, sizeof(core), text, strlen(TEXT), &size, &err), -E2BIG);
}

static void test_absent(void **state)
{
	struct core core;
	struct error err = { 0 };
	char text[128];
	size_t size;

	(void)state;
	/* only the first note */
	make_core(&core);
	core.segments[1].p_filesz = SECOND;
	assert_int_equal(read_core(&core, sizeof(core), text, sizeof(text), &size, &err), -ENOENT);
	/* a longer name that begins like it */
	make_core(&core);
	core.notes[SECOND + sizeof(Elf64_Nhdr) + 10] = 'S';
	assert_int_equal(read_core(&core, sizeof(core), text, sizeof(text), &size, &err), -ENOENT);
	/* no segment of notes, no segment at all */
	make_core(&core);
	core.segments[1].p_type = PT_LOAD;
	assert_int_equal(read_core(&core, sizeof(core), text, sizeof(text), &size, &err), -ENOENT);
	core.header.e_phnum = 0;
	assert_int_equal(read_core(&core, sizeof(core), text, sizeof(text), &size, &err), -ENOENT);
	assert_int_equal(
		kcore_vmcoreinfo("/tmp/kjump-no-such-file", text, sizeof(text), &size, &err),
		-ENOENT);
}

static void set_word(struct core *core, size_t offset, Elf64_Word value)
{
	memcpy(core->notes + SECOND + offset, &value, sizeof(value));
}

static void test_damaged(void **state)
{
	struct core core;
	struct error err;
	char text[128];
	size_t size;

	(void)state;
	for (int damage = 0; damage < 8; damage++) {
		size_t file_size = sizeof(core);

		make_core(&core);
		switch (damage) {
		case 0: /* no ELF file */
			core.header.e_ident[0] = 0;
			break;
		case 1: /* of 32 bits */
			core.header.e_ident[EI_CLASS] = ELFCLASS32;
			break;
		case 2: /* segment table beyond everything */
			core.header.e_phoff = UINT64_MAX - 8;
			break;
		case 3: /* a name longer than the segment */
			set_word(&core, offsetof(Elf64_Nhdr, n_namesz), UINT32_MAX);
			break;
		case 4: /* a description longer than the segment */
			set_word(&core, offsetof(Elf64_Nhdr, n_descsz), UINT32_MAX);
			break;
		case 5: /* segment larger than any */
			core.segments[1].p_filesz = UINT64_MAX;
			break;
		case 6: /* segment where no file can be */
			core.segments[1].p_offset = UINT64_MAX;
			break;
		case 7: /* file cut off */
			file_size = offsetof(struct core, notes) + SECOND;
			break;
		}
		if (read_core(&core, file_size, text, sizeof(text), &size, &err) != -EINVAL)
			fail_msg("damage %d", damage);
		assert_non_null(strstr(err.text, "/tmp/kjump-kcore-"));
	}
}

static void test_address(void **state)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t address;
	} cases[] = {
		{ "0x0000000100c66000 1024\n", 0, 0x100c66000 },
		{ "17f2000 1024\n", 0, 0x17f2000 },
		{ "0x0 1024\n", -EINVAL, 0 },
		{ "nothing\n", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "0x1ffffffffffffffff 1024\n", -EINVAL, 0 },
	};
	char path[] = "/tmp/kjump-vmcoreinfo-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = { 0 };
		uint64_t address = 0;

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, cases[i].text, strlen(cases[i].text), 0),
				 strlen(cases[i].text));
		assert_int_equal(kcore_vmcoreinfo_address(path, &address, &err), cases[i].ret);
		if (!cases[i].ret)
			assert_int_equal(address, cases[i].address);
	}
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),	cmocka_unit_test(test_room),
		cmocka_unit_test(test_absent),	cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
