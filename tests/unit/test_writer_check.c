/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel B's files: where distributions have a kernel, unified images, and whether its initramfs is
 * what this machine needs.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#include "jump/pe.h"
#include "kjump/check/checks.h"
#include "kjump/load/kernel-file.h"
#include "kjump/paths.h"
#include "tests/unit/fake-root.h"

#define RELEASE "6.12.1-test"

/* The kernel RELEASE is found at PATH of the machine. */
static void assert_found(const char *cmdline, const char *path)
{
	char found[512], full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_true(kernel_file_find(root, RELEASE, cmdline, found, sizeof(found)));
	assert_string_equal(found, full);
}

static void assert_none(const char *cmdline)
{
	char found[512];

	assert_false(kernel_file_find(root, RELEASE, cmdline, found, sizeof(found)));
}

static void test_places(void **state)
{
	static const char *const paths[] = {
		"/boot/vmlinuz-" RELEASE,
		"/lib/modules/" RELEASE "/vmlinuz",
		"/usr/lib/modules/" RELEASE "/vmlinuz",
		"/boot/0123abcd/" RELEASE "/linux",
		"/efi/0123abcd/" RELEASE "/linux",
		"/boot/efi/0123abcd/" RELEASE "/linux",
		"/efi/vmlinuz-" RELEASE,
	};

	(void)state;
	assert_none("");
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		put(paths[i], "kernel");
		assert_found("BOOT_IMAGE=/other", paths[i]);
		drop(paths[i]);
		assert_none("");
	}
	/* Another kernel's, and a place that is none. */
	put("/boot/vmlinuz-6.12.1-test2", "kernel");
	put("/boot/0123abcd/6.12.1/linux", "kernel");
	put("/other", "kernel");
	assert_none("");
	assert_found("BOOT_IMAGE=(hd0,gpt2)/other", "/other");
	put("/boot/other", "kernel");
	assert_found("BOOT_IMAGE=(hd0,gpt2)/other", "/boot/other");
}

static void test_entries(void **state)
{
	(void)state;
	put("/efi/loader/entries/a.conf", "title x\nversion 6.12.1\nlinux /wrong\n");
	put("/efi/loader/entries/b.conf", "# linux /comment\ntitle\tlinux\nversion\t " RELEASE
					  " \r\nlinux  /a/kernel \noptions x\n");
	put("/efi/wrong", "kernel");
	assert_none("");
	put("/efi/a/kernel", "kernel");
	assert_found("", "/efi/a/kernel");
	/* With /boot on the root file system the path has it in front. */
	drop("/efi/a/kernel");
	put("/a/kernel", "kernel");
	assert_found("", "/a/kernel");
}

struct part {
	const char *name, *text;
	uint32_t memory; /* its size there; 0: as in the file */
};

static void store(unsigned char *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

/* A PE file of these sections, at PATH of the machine; CUT bytes are missing at its end. */
static void put_pe(const char *path, const struct part *parts, unsigned count, size_t cut)
{
	unsigned char bytes[4096] = "MZ";
	size_t at = 1024;
	char full[512];
	FILE *file;

	store(bytes + 0x3c, 128);
	memcpy(bytes + 128, "PE\0", 4);
	bytes[134] = (unsigned char)count;
	bytes[148] = 16;
	for (unsigned i = 0; i < count; i++) {
		unsigned char *entry = bytes + 128 + 24 + 16 + 40 * i;
		size_t length = strlen(parts[i].text);

		memcpy(entry, parts[i].name, strlen(parts[i].name));
		store(entry + 8, parts[i].memory ? parts[i].memory : (uint32_t)length);
		store(entry + 16, (uint32_t)(length + 511) & ~511U);
		store(entry + 20, (uint32_t)at);
		memcpy(bytes + at, parts[i].text, length);
		at += (length + 511) & ~511U;
	}
	put(path, "");
	snprintf(full, sizeof(full), "%s%s", root, path);
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, at - cut, file), at - cut);
	fclose(file);
}

static void test_unified(void **state)
{
	const struct part other[] = { { ".uname", "6.1", 0 }, { ".linux", "kernel", 0 } };
	const struct part own[] = { { ".osrel", "ID=x\n", 0 },
				    { ".uname", RELEASE "\n", 0 },
				    { ".linux", "the kernel", 0 } };
	struct pe_section section;
	char full[512], text[64];
	int fd;

	(void)state;
	put("/efi/EFI/Linux/a.efi", "no PE file at all");
	put_pe("/efi/EFI/Linux/b.efi", other, 2, 0);
	assert_none("");
	put_pe("/efi/EFI/Linux/c.efi", own, 3, 0);
	assert_found("", "/efi/EFI/Linux/c.efi");

	snprintf(full, sizeof(full), "%s/efi/EFI/Linux/c.efi", root);
	fd = open(full, O_RDONLY);
	assert_true(pe_section_find(fd, ".linux", &section));
	assert_int_equal(section.size, strlen("the kernel"));
	assert_int_equal(pread(fd, text, section.size, (off_t)section.offset), section.size);
	assert_memory_equal(text, "the kernel", section.size);
	assert_false(pe_section_find(fd, ".lin", &section));
	assert_false(pe_section_find(fd, ".initrd", &section));
	assert_false(pe_section_text(fd, ".uname", text, 5));
	close(fd);
	/* Cut off within the section. */
	put_pe("/efi/EFI/Linux/c.efi", own, 3, 510);
	fd = open(full, O_RDONLY);
	assert_false(pe_section_find(fd, ".linux", &section));
	assert_true(pe_section_text(fd, ".uname", text, sizeof(text)));
	assert_string_equal(text, RELEASE);
	close(fd);
}

/* --- the initramfs
 * -------------------------------------------------------------------------------- */

static char initramfs[200], modules[200];

/* A machine with a kernel whose modules are needed, by name; "false" fails. */
static void machine(const char *needed)
{
	char script[400], path[256];
	struct utsname system;

	assert_int_equal(uname(&system), 0);
	snprintf(initramfs, sizeof(initramfs), "/var/lib/kjump/initramfs-%s.img", system.release);
	snprintf(modules, sizeof(modules), "/lib/modules/%s/modules.dep", system.release);
	snprintf(path, sizeof(path), "/boot/vmlinuz-%s", system.release);
	put(path, "kernel");
	put("/proc/cmdline", "quiet");
	put(modules, "");
	snprintf(script, sizeof(script),
		 "#!/bin/sh\n[ \"$1\" = --names ] || exit 1\nshift\n"
		 "[ \"$1\" != --target ] || { [ $2 = /dev/target ] && shift 2; }\n"
		 "[ -r \"$1/modules.dep\" ] || exit 1\n"
		 "for name in %s; do echo $name; done\n%s\n",
		 needed, strcmp(needed, "false") ? "" : "exit 1");
	put(PATH_FIND_MODULES, script);
	snprintf(path, sizeof(path), "%s%s", root, PATH_FIND_MODULES);
	assert_int_equal(chmod(path, 0755), 0);
}

/* Pack what is below /tree. */
static void pack(void)
{
	char command[1024];

	put(initramfs, "");
	snprintf(command, sizeof(command),
		 "cd %s/tree && find . | cpio --quiet -o -H newc | zstd -q -c > '%s%s'", root, root,
		 initramfs);
	assert_int_equal(system(command), 0);
}

static void test_drivers(void **state)
{
	(void)state;
	machine("nvme-core nvme");
	assert_int_equal(check_writer(&preflight, &note), -ENOENT);
	put("/tree/init", "#!/bin/sh\n");
	put("/tree/lib/modules/nvme-core.ko", "module");
	put("/tree/lib/modules/nvme.ko", "module");
	put("/tree/lib/modules/load", "nvme-core.ko\nnvme.ko\n");
	pack();
	assert_int_equal(check_writer(&preflight, &note), 0);
	/* One is taken away; nvme-core.ko is no nvme.ko. */
	drop("/tree/lib/modules/nvme.ko");
	pack();
	assert_int_equal(check_writer(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "without nvme,"));
	/* Of the target's disk it is no doubt. */
	strcpy(preflight.disk.name, "/dev/target");
	assert_int_equal(check_writer(&preflight, &note), -ESTALE);
	assert_non_null(strstr(note.text, "without nvme, which the target needs"));
	/* With /lib as a link, as in what dracut makes. */
	drop("/tree/lib/modules/nvme-core.ko");
	put("/tree/usr/lib/modules/nvme-core.ko", "module");
	put("/tree/usr/lib/modules/nvme.ko", "module");
	pack();
	assert_int_equal(check_writer(&preflight, &note), 0);
	/* The disks need none: all is built in. */
	machine("");
	pack(); /* not before the modules were there */
	assert_int_equal(check_writer(&preflight, &note), 0);
	/* Nobody can tell. */
	machine("false");
	assert_int_equal(check_writer(&preflight, &note), PREFLIGHT_DOUBT);
	drop(PATH_FIND_MODULES);
	assert_int_equal(check_writer(&preflight, &note), PREFLIGHT_DOUBT);
	/* Half of one. */
	put(initramfs, "070701");
	assert_int_equal(check_writer(&preflight, &note), -EUCLEAN);
	/* A kernel without modules. */
	drop(modules);
	assert_int_equal(check_writer(&preflight, &note), 0);
}

static void test_age(void **state)
{
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char full[512];

	(void)state;
	machine("nvme");
	put("/tree/lib/modules/nvme.ko", "module");
	pack();
	assert_int_equal(check_writer(&preflight, &note), 0);
	snprintf(full, sizeof(full), "%s%s", root, initramfs);
	assert_int_equal(utimensat(AT_FDCWD, full, old, 0), 0);
	assert_int_equal(check_writer(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "older than the modules"));
}

#define test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_places),  test(test_entries), test(test_unified),
		test(test_drivers), test(test_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
