/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF core files as memory: segments, and the VMCOREINFO note, whole and damaged.
 */
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

#include "common/abi.h"
#include "memory/core.h"
#include "memory/vmcoreinfo.h"

#define TEXT "OSRELEASE=6.12.0\nPAGESIZE=4096\n"

/* A core file: a load segment, then one of notes: CORE and VMCOREINFO. */
struct file {
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

static void make_core(struct file *core)
{
	size_t size;

	memset(core, 0, sizeof(*core));
	memcpy(core->header.e_ident, ELFMAG, SELFMAG);
	core->header.e_ident[EI_CLASS] = ELFCLASS64;
	core->header.e_ident[EI_DATA] = ELFDATA2LSB;
	core->header.e_type = ET_CORE;
	core->header.e_machine = EM_X86_64;
	core->header.e_phoff = offsetof(struct file, segments);
	core->header.e_phentsize = sizeof(Elf64_Phdr);
	core->header.e_phnum = 2;
	core->segments[0].p_type = PT_LOAD;
	size = add_note(core->notes, "CORE", "status!", 7);
	size += add_note(core->notes + size, "VMCOREINFO", TEXT, strlen(TEXT));
	core->segments[1].p_type = PT_NOTE;
	core->segments[1].p_offset = offsetof(struct file, notes);
	core->segments[1].p_filesz = size;
}

static int read_core(const struct file *core, size_t file_size, struct core *ret, struct error *err)
{
	char path[] = "/tmp/kjump-core-XXXXXX";
	int fd = mkstemp(path);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, core, file_size), file_size);
	close(fd);
	memset(err, 0, sizeof(*err));
	r = core_vmcoreinfo(path, ret, err);
	unlink(path);
	return r;
}

static void test_found(void **state)
{
	struct file core;
	struct core found;
	struct error err;

	(void)state;
	make_core(&core);
	assert_int_equal(read_core(&core, sizeof(core), &found, &err), 0);
	assert_string_equal(found.vmcoreinfo, TEXT);
	assert_int_equal(found.vmcoreinfo_size, strlen(TEXT));
	core_free(&found);
}

static void test_absent(void **state)
{
	struct file core;
	struct error err = { 0 };
	struct core found;

	(void)state;
	/* only the first note */
	make_core(&core);
	core.segments[1].p_filesz = SECOND;
	assert_int_equal(read_core(&core, sizeof(core), &found, &err), -ENOENT);
	/* another name of the same length */
	make_core(&core);
	core.notes[SECOND + sizeof(Elf64_Nhdr) + 9] = 'S';
	assert_int_equal(read_core(&core, sizeof(core), &found, &err), -ENOENT);
	/* no segment of notes, no segment at all */
	make_core(&core);
	core.segments[1].p_type = PT_LOAD;
	assert_int_equal(read_core(&core, sizeof(core), &found, &err), -ENOENT);
	core.header.e_phnum = 0;
	assert_int_equal(read_core(&core, sizeof(core), &found, &err), -ENOENT);
	assert_int_equal(core_vmcoreinfo("/tmp/kjump-no-such-file", &found, &err), -ENOENT);
}

static void set_word(struct file *core, size_t offset, Elf64_Word value)
{
	memcpy(core->notes + SECOND + offset, &value, sizeof(value));
}

static void test_damaged(void **state)
{
	struct file core;
	struct error err;
	struct core found;

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
			file_size = offsetof(struct file, notes) + SECOND;
			break;
		}
		if (read_core(&core, file_size, &found, &err) != -EINVAL)
			fail_msg("damage %d", damage);
		assert_non_null(strstr(err.text, "/tmp/kjump-core-"));
	}
}

/* What is no core of such a machine is refused by name. */
static void test_others(void **state)
{
	static const struct {
		const char *bytes, *says;
	} magics[] = {
		{ "KDUMP   ", "a kdump-compressed dump" },
		{ "makedumpfile\0\0\0", "use makedumpfile -R on it first" },
		{ "\x1f\x8b\x08\0", "compressed with gzip" },
		{ "\xfd"
		  "7zXZ",
		  "compressed with xz" },
		{ "\x28\xb5\x2f\xfd", "compressed with zstd" },
		{ "\x7f"
		  "ELE",
		  "not a 64-bit ELF core file" },
	};
	static const Elf64_Half machines[] = { EM_NONE, EM_386, EM_AARCH64, EM_RISCV, EM_S390 };
	struct core found;
	struct file core;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++) {
		make_core(&core);
		memcpy(&core, magics[i].bytes, strlen(magics[i].bytes));
		assert_int_equal(read_core(&core, sizeof(core), &found, &err), -EINVAL);
		if (!strstr(err.text, magics[i].says))
			fail_msg("%s: %s", magics[i].says, err.text);
	}
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		make_core(&core);
		core.header.e_machine = machines[i];
		assert_int_equal(read_core(&core, sizeof(core), &found, &err), -EINVAL);
		assert_non_null(strstr(err.text, "another architecture"));
	}
	make_core(&core);
	core.header.e_phnum = 0;
	core.header.e_shnum = 5;
	assert_int_equal(read_core(&core, sizeof(core), &found, &err), -EINVAL);
	assert_non_null(strstr(err.text, "Xen"));
	make_core(&core);
	core.header.e_phnum = PN_XNUM;
	assert_int_equal(read_core(&core, sizeof(core), &found, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no section header"));
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
		assert_int_equal(vmcoreinfo_address(path, &address, &err), cases[i].ret);
		if (!cases[i].ret)
			assert_int_equal(address, cases[i].address);
	}
	close(fd);
	unlink(path);
}

/*
 * A machine with a hole, its segments out of order, one of them unaligned in the file and one a
 * second view of the same memory (as /proc/kcore has for the kernel image).
 */
static void test_memory(void **state)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segments[4];
		unsigned char odd[12];
		unsigned char low[2 * FRAME_SIZE], high[3 * FRAME_SIZE];
	} file = { 0 };
	const struct run wanted[] = { { 1, 2 }, { 16, 3 } };
	char path[] = "/tmp/kjump-core-XXXXXX";
	int fd = mkstemp(path);
	struct memory_window window = { 0 };
	struct memory *memory;
	struct core core;
	struct error err;
	const void *bytes;

	(void)state;
	memcpy(file.header.e_ident, ELFMAG, SELFMAG);
	file.header.e_ident[EI_CLASS] = ELFCLASS64;
	file.header.e_ident[EI_DATA] = ELFDATA2LSB;
	file.header.e_type = ET_CORE;
	file.header.e_machine = EM_X86_64;
	file.header.e_phoff = sizeof(file.header);
	file.header.e_phentsize = sizeof(Elf64_Phdr);
	file.header.e_phnum = 4;
	file.segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
					 .p_paddr = 16 * FRAME_SIZE,
					 .p_filesz = 3 * FRAME_SIZE,
					 .p_offset = offsetof(typeof(file), high) };
	file.segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
					 .p_paddr = FRAME_SIZE,
					 .p_filesz = 2 * FRAME_SIZE,
					 .p_offset = offsetof(typeof(file), low) };
	file.segments[2] = (Elf64_Phdr){ .p_type = PT_LOAD,
					 .p_paddr = 17 * FRAME_SIZE,
					 .p_filesz = FRAME_SIZE,
					 .p_offset = offsetof(typeof(file), high) + FRAME_SIZE };
	file.segments[3] =
		(Elf64_Phdr){ .p_type = PT_LOAD, .p_paddr = UINT64_MAX, .p_filesz = FRAME_SIZE };
	memset(file.low, 1, FRAME_SIZE);
	memset(file.low + FRAME_SIZE, 2, FRAME_SIZE);
	for (int i = 0; i < 3; i++)
		memset(file.high + i * FRAME_SIZE, 16 + i, FRAME_SIZE);
	assert_int_equal(write(fd, &file, sizeof(file)), sizeof(file));

	assert_int_equal(core_open(path, &memory, &core, &err), 0);
	assert_int_equal(core.ram.n, 2);
	assert_memory_equal(core.ram.v, wanted, sizeof(wanted));
	assert_null(core.vmcoreinfo);
	for (uint64_t pfn = 1; pfn < 19; pfn = pfn == 2 ? 16 : pfn + 1) {
		assert_int_equal(memory_map(memory, &window, pfn, 1, pfn + 1, &bytes, &err), 0);
		assert_int_equal(((const unsigned char *)bytes)[0], pfn);
		assert_int_equal(((const unsigned char *)bytes)[FRAME_SIZE - 1], pfn);
	}
	assert_int_equal(memory_map(memory, &window, 3, 1, 4, &bytes, &err), -EIO);
	assert_int_equal(memory_map(memory, &window, 18, 2, 20, &bytes, &err), -EIO);
	memory_unmap(&window);
	memory_close(memory);
	core_free(&core);

	assert_int_equal(ftruncate(fd, offsetof(typeof(file), high) + 3 * FRAME_SIZE - 1), 0);
	assert_int_equal(core_open(path, &memory, &core, &err), -EINVAL);
	assert_non_null(strstr(err.text, "memory at 0x10000 is missing"));
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),	cmocka_unit_test(test_absent),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_others),
		cmocka_unit_test(test_memory),	cmocka_unit_test(test_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
