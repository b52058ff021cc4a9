/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the next boot would restore: its parameter, and what its initramfs holds.
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

#include "kjump/check/checks.h"
#include "kjump/check/mkinitcpio.h"
#include "tests/unit/fake-root.h"

/* PATTERN with TEXT for the %s in it, if there is one. */
static void fill(const char *pattern, const char *text, char *ret, size_t size)
{
	const char *place = strstr(pattern, "%s");
	int before = place ? (int)(place - pattern) : (int)strlen(pattern);

	snprintf(ret, size, "%.*s%s%s", before, pattern, place ? text : "", place ? place + 2 : "");
}

/* The check of the parameter, with this on the command line; %s stands for the root. */
static int parameter(const char *pattern)
{
	char cmdline[512];

	fill(pattern, root, cmdline, sizeof(cmdline));
	put("/proc/cmdline", cmdline);
	return check_parameter(&preflight, &note);
}

static void test_parameter(void **state)
{
	(void)state;
	assert_int_equal(parameter("quiet"), -ENOENT);
	assert_true(parameter("rd.kjump.resume=/dev/no-such/device") < 0);
	put("/dev/target", "");
	put("/dev/my disk", "");
	put("/dev/other", "");
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "%s/dev/target", root);
	assert_int_equal(parameter("rd.kjump.resume=%s/dev/target"), 0);
	assert_int_equal(parameter("x=\"y rd.kjump.resume=%s/dev/target\""), -ENOENT);
	assert_int_equal(parameter("quiet -- rd.kjump.resume=%s/dev/target"), -ENOENT);
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "%s/dev/my disk", root);
	assert_int_equal(parameter("rd.kjump.resume=\"%s/dev/my disk\""), 0);
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "%s/dev/other", root);
	preflight.advice = "of the table";
	assert_int_equal(parameter("rd.kjump.resume=%s/dev/target"), -EINVAL);
	assert_non_null(strstr(preflight.advice, "the same device"));
	preflight.advice = "of the table";
	assert_int_equal(parameter("rd.kjump.resume=/dev/no-such-device"), -ENODEV);
	assert_non_null(strstr(preflight.advice, "the same device"));

	/* From a file of the initramfs, which the hook says. */
	put("/run/kjump-boot/target", "");
	drop("/run/kjump-boot/target");
	assert_int_equal(parameter("quiet"), -ENOENT);
	char target[512];

	snprintf(target, sizeof(target), "%s/dev/other\n", root);
	put("/run/kjump-boot/target", target);
	assert_int_equal(parameter("quiet"), 0);
}

/* By the words and in the ways that the hook knows (kjump_switched_off() of kjump-parameters.sh).
 */
static void test_switched_off(void **state)
{
	static const char *const off[] = { "noresume",	     "noresume=1",    "noresume=yes",
					   "\"noresume\"",   "rd.kjump=0",    "rd.kjump=no",
					   "rd.kjump=False", "rd.kjump=oFF",  "rd.kjump=n",
					   "rd.kjump=F",     "\"rd.kjump=0\"" };
	static const char *const on[] = { "noresume=0", "noresume noresume=off", "rd.kjump",
					  "rd.kjump=1", "rd.kjump=0 rd.kjump=1", "rd.kjump=",
					  "resume=0",	"-- noresume",		 "rd.kjump=00" };
	char line[512];

	(void)state;
	put("/dev/target", "");
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "%s/dev/target", root);
	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
		snprintf(line, sizeof(line), "rd.kjump.resume=%%s/dev/target %s", off[i]);
		assert_int_equal(parameter(line), -ECANCELED);
		assert_non_null(strstr(note.text, "switched off"));
		assert_non_null(strstr(preflight.advice, "noresume"));
	}
	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++) {
		snprintf(line, sizeof(line), "rd.kjump.resume=%%s/dev/target %s", on[i]);
		assert_int_equal(parameter(line), 0);
	}
	/* By a file of the initramfs, which the hook says. */
	put("/run/kjump-boot/off", "yes\n");
	assert_int_equal(parameter("rd.kjump.resume=%s/dev/target"), -ECANCELED);
	put("/run/kjump-boot/off", "\n");
	assert_int_equal(parameter("rd.kjump.resume=%s/dev/target"), 0);
}

/* Names by the order in which disks are found. */
static void test_parameter_that_may_change(void **state)
{
	(void)state;
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "/dev/null");
	assert_int_equal(parameter("rd.kjump.resume=/dev/null"), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "UUID="));
}

static void set_time(const char *path, time_t seconds)
{
	const struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(utimensat(AT_FDCWD, full, times, 0), 0);
}

/* Make an image at PATH of the machine of what lies below /tree there. */
static void pack(const char *path, const char *compress)
{
	char command[1024];

	put(path, "");
	snprintf(command, sizeof(command),
		 "cd %s/tree && find . | cpio --quiet -o -H newc | %s > '%s%s'", root, compress,
		 root, path);
	assert_int_equal(system(command), 0);
}

static void own_image(const char *pattern, char *ret, size_t size)
{
	struct utsname system;

	assert_int_equal(uname(&system), 0);
	fill(pattern, system.release, ret, size);
}

static void test_hook(void **state)
{
	char image[256], *search;

	(void)state;
	own_image("/boot/initrd.img-%s", image, sizeof(image));
	assert_int_equal(check_hook(&preflight, &note), -ENOENT);
	put("/usr/lib/dracut/modules.d/50kjump/module-setup.sh", "");
	assert_int_equal(check_hook(&preflight, &note), -ESTALE);
	assert_non_null(strstr(note.text, "installed for dracut, but this boot did not have it"));
	/* No image is found where it might be, but this boot's had it. */
	put("/run/kjump-boot/hook", "yes\n");
	assert_int_equal(check_hook(&preflight, &note), 0);

	/* An image without it, whatever this boot had. */
	put("/tree/bin/sh", "shell");
	pack(image, "cat");
	assert_int_equal(check_hook(&preflight, &note), -ESTALE);
	assert_non_null(
		strstr(note.text, "kjump-restore is not in it, though the hook for dracut"));
	put("/tree/usr/sbin/kjump-restore", "program");
	pack(image, "cat");
	/* The program alone does nothing at boot. */
	assert_int_equal(check_hook(&preflight, &note), -ESTALE);
	assert_non_null(
		strstr(note.text, "kjump-core.sh is not in it, though the hook for dracut"));
	put("/tree/usr/lib/kjump/kjump-core.sh", "script");
	pack(image, "cat");
	assert_int_equal(check_hook(&preflight, &note), 0);
	drop("/run/kjump-boot/hook");
	assert_int_equal(check_hook(&preflight, &note), 0);

	/* Of no bytes, as a builder that fails leaves it, and one that is cut off. */
	put(image, "");
	assert_int_equal(check_hook(&preflight, &note), -ESTALE);
	assert_non_null(strstr(note.text, "no archive"));
	drop("/tree/usr/sbin/kjump-restore");
	pack(image, "head -c 300");
	assert_int_equal(check_hook(&preflight, &note), -ESTALE);
	assert_non_null(strstr(note.text, "damaged"));
	/* Nobody knows what is in one whose program is not here. */
	put("/tree/sbin/kjump-restore", "program");
	pack(image, "gzip");
	assert_int_equal(check_hook(&preflight, &note), 0);
	search = strdup(getenv("PATH"));
	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(check_hook(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "gzip"));
	setenv("PATH", search, 1);
	free(search);
}

/* An image that only root may read is unknown to others, whatever this boot had. */
static void test_hook_of_a_closed_image(void **state)
{
	const struct preflight_check check = { "hook", "make it", 0, check_hook };
	char image[256], command[512];
	const uid_t user = geteuid();

	(void)state;
	own_image("/boot/initrd.img-%s", image, sizeof(image));
	put("/tree/bin/sh", "shell");
	pack(image, "cat");
	put("/run/kjump-boot/hook", "yes\n");
	snprintf(command, sizeof(command), "chmod -R a+rX %s; chmod 0 %s%s", root, root, image);
	assert_int_equal(system(command), 0);
	if (user == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(preflight_check(&check, &preflight, &note), PREFLIGHT_UNKNOWN);
	assert_non_null(strstr(note.text, "only root may look"));
	assert_int_equal(seteuid(user), 0);
}

/* What boots next need not be what booted last. */
static void test_hook_of_another_kernel(void **state)
{
	char image[256];

	(void)state;
	own_image("/boot/initrd.img-%s", image, sizeof(image));
	put("/tree/lib/kjump/kjump-core.sh", "script");
	put("/tree/sbin/kjump-restore", "program");
	pack(image, "cat");
	set_time(image, 2000);
	drop("/tree/sbin/kjump-restore");
	pack("/boot/initrd.img-99.0.0", "cat");
	assert_int_equal(check_hook(&preflight, &note), -ESTALE);
	assert_non_null(strstr(note.text, "/boot/initrd.img-99.0.0: kjump-restore is not in it"));
	/* An older one is not looked at, and none that is only for emergencies. */
	set_time("/boot/initrd.img-99.0.0", 1000);
	assert_int_equal(check_hook(&preflight, &note), 0);
	pack("/boot/initramfs-0-rescue-1234.img", "cat");
	assert_int_equal(check_hook(&preflight, &note), 0);

	/* Arch: the image is called after the package. */
	drop(image);
	drop("/boot/initrd.img-99.0.0");
	own_image("/usr/lib/modules/%s/pkgbase", image, sizeof(image));
	put(image, "linux-lts\n");
	pack("/boot/initramfs-linux-lts.img", "cat");
	set_time("/boot/initramfs-linux-lts.img", 1000);
	put("/tree/usr/bin/kjump-restore", "program");
	pack("/boot/initramfs-linux.img", "cat");
	assert_int_equal(check_hook(&preflight, &note), -ESTALE);
	assert_non_null(strstr(note.text, "linux-lts.img: kjump-restore is not in it"));
}

static void test_hooks_of_mkinitcpio(void **state)
{
	static const struct {
		const char *text;
		enum hooks hooks;
	} cases[] = {
		{ "", HOOKS_UNKNOWN },
		{ "MODULES=(kjump)\n", HOOKS_UNKNOWN },
		{ "HOOKS=(base udev block kjump filesystems)\n", HOOKS_WITH },
		{ "HOOKS=(base udev block filesystems)\n", HOOKS_WITHOUT },
		{ "HOOKS=()", HOOKS_WITHOUT },
		{ "HOOKS=(base\n  'kjump' # or not\n)\n", HOOKS_WITH },
		{ "HOOKS=(base # kjump\n  kjump-like mykjump)\n", HOOKS_WITHOUT },
		{ "#HOOKS=(kjump)\nHOOKS=(base)\n#HOOKS+=(kjump)\n", HOOKS_WITHOUT },
		{ "HOOKS=\"base kjump filesystems\"\n", HOOKS_WITH },
		{ "HOOKS=\"base filesystems\"\nFILES=(kjump)\n", HOOKS_WITHOUT },
		{ "HOOKS=(kjump)\nHOOKS=(base)", HOOKS_WITHOUT },
		{ "HOOKS=(base)\n  HOOKS+=(kjump)\n", HOOKS_WITH },
		{ "HOOKS+=(base)\n", HOOKS_UNKNOWN },
		{ "HOOKS=(base)\nHOOKS=(\"${HOOKS[@]/base/kjump}\")\n", HOOKS_UNKNOWN },
		{ "HOOKS=(base)\n[ -e /x ] && HOOKS+=(y)\nx=1\n", HOOKS_UNKNOWN },
		{ "HOOKS=(base", HOOKS_WITHOUT },
		{ "HOOKS=(\"base", HOOKS_WITHOUT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		put("/etc/mkinitcpio.conf", cases[i].text);
		if (hooks_configured(root) != cases[i].hooks)
			fail_msg("%s", cases[i].text);
	}
	/* Files that come after it, in their order; no others. */
	put("/etc/mkinitcpio.conf", "HOOKS=(base)\n");
	put("/etc/mkinitcpio.conf.d/b.conf", "HOOKS+=(kjump)\n");
	assert_int_equal(hooks_configured(root), HOOKS_WITH);
	put("/etc/mkinitcpio.conf.d/c.conf", "HOOKS=(base udev)\n");
	put("/etc/mkinitcpio.conf.d/d.conf.pacsave", "HOOKS+=(kjump)\n");
	put("/etc/mkinitcpio.conf.d/a.conf", "HOOKS=(base kjump)\n");
	assert_int_equal(hooks_configured(root), HOOKS_WITHOUT);
}

static void test_hook_left_out(void **state)
{
	char image[256];

	(void)state;
	put("/usr/lib/initcpio/hooks/kjump", "");
	put("/etc/mkinitcpio.conf", "HOOKS=(base udev block filesystems)\n");
	assert_int_equal(check_hook(&preflight, &note), -ESTALE);
	assert_string_equal(note.text, "HOOKS in /etc/mkinitcpio.conf lacks kjump");
	own_image("/boot/initramfs-%s.img", image, sizeof(image));
	put("/tree/bin/sh", "shell");
	pack(image, "cat");
	assert_int_equal(check_hook(&preflight, &note), -ESTALE);
	assert_non_null(strstr(note.text, "though the hook for mkinitcpio is installed; HOOKS in "
					  "/etc/mkinitcpio.conf lacks kjump"));
	/* Made before it was taken out. */
	put("/tree/usr/bin/kjump-restore", "program");
	put("/tree/usr/lib/kjump/kjump-core.sh", "script");
	pack(image, "cat");
	assert_int_equal(check_hook(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "so will the next image"));
	put("/etc/mkinitcpio.conf", "HOOKS=(base udev block kjump filesystems)\n");
	assert_int_equal(check_hook(&preflight, &note), 0);
	/* The images of another system's builder do not go by it. */
	put("/etc/mkinitcpio.conf", "HOOKS=(base)\n");
	put("/usr/lib/dracut/modules.d/50kjump/module-setup.sh", "");
	assert_int_equal(check_hook(&preflight, &note), 0);
	/* Unless mkinitcpio is there alone: the package has the hooks for both. */
	put("/usr/bin/mkinitcpio", "");
	assert_int_equal(check_hook(&preflight, &note), PREFLIGHT_DOUBT);
	put("/usr/bin/dracut", "");
	assert_int_equal(check_hook(&preflight, &note), 0);
}

static void test_hook_for_another_target(void **state)
{
	char image[256];

	(void)state;
	own_image("/boot/initramfs-%s.img", image, sizeof(image));
	put("/tree/usr/bin/kjump-restore", "program");
	put("/tree/usr/lib/kjump/kjump-core.sh", "script");
	put("/tree/etc/kjump.targets", "late UUID=1-2\nlate /dev/dm-0\n");
	pack(image, "cat");
	put("/proc/cmdline", "rd.kjump.resume=UUID=1-2");
	assert_int_equal(check_hook(&preflight, &note), 0);
	put("/proc/cmdline", "rd.kjump.resume=UUID=1-22");
	assert_int_equal(check_hook(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "another target"));
	/* The parameter's name is another one than the one that is configured. */
	strcpy(config.target, "/dev/dm-0");
	assert_int_equal(check_hook(&preflight, &note), 0);
	put("/tree/etc/kjump.targets", "");
	strcpy(config.target, "");
	pack(image, "cat");
	assert_int_equal(check_hook(&preflight, &note), 0);
}

/* As distributions pack them: microcode first, then compressed; and in a unified image. */
static void test_packings(void **state)
{
	static const char *const compressions[] = { "gzip", "zstd -q -c", "xz --check=crc32 -c",
						    "cat", "bzip2" };
	char image[256], command[1024];

	(void)state;
	own_image("/boot/initramfs-%s.img", image, sizeof(image));
	put("/tree/usr/lib/kjump/kjump-core.sh", "script");
	for (size_t i = 0; i < sizeof(compressions) / sizeof(*compressions); i++) {
		put("/tree/kernel/x86/microcode/GenuineIntel.bin", "123");
		pack("/early", "cat");
		snprintf(command, sizeof(command), "truncate -s %%4096 %s/early", root);
		assert_int_equal(system(command), 0);
		put("/tree/usr/bin/kjump-restore", "program");
		pack("/main", compressions[i]);
		put(image, "");
		snprintf(command, sizeof(command), "cat %s/early %s/main > %s%s", root, root, root,
			 image);
		assert_int_equal(system(command), 0);
		assert_int_equal(check_hook(&preflight, &note), 0);
		drop("/tree/usr/bin/kjump-restore");
		pack("/main", compressions[i]);
		assert_int_equal(system(command), 0);
		assert_int_equal(check_hook(&preflight, &note), -ESTALE);
	}
}

/* Parts as builders join them: the kernel takes one after the other, with zeros between them. */
static void test_several_parts(void **state)
{
	static const char *const compressions[] = { "zstd -q -c", "gzip", "xz --check=crc32 -c",
						    "bzip2", "cat" };
	static const unsigned padding[] = { 0, 4, 512 };
	const size_t count = sizeof(compressions) / sizeof(*compressions);
	char image[256], command[1024];

	(void)state;
	own_image("/boot/initramfs-%s.img", image, sizeof(image));
	put("/tree/usr/bin/sh", "shell");
	for (size_t i = 0; i < count; i++) {
		snprintf(command, sizeof(command), "/first-%zu", i);
		pack(command, compressions[i]);
	}
	put("/tree/usr/bin/kjump-restore", "program");
	put("/tree/usr/lib/kjump/kjump-core.sh", "script");
	for (size_t i = 0; i < count; i++) {
		snprintf(command, sizeof(command), "/second-%zu", i);
		pack(command, compressions[i]);
	}
	put(image, "");
	for (size_t i = 0; i < count * count * 3; i++) {
		size_t first = i / count % count, second = i % count;

		/* As the kernel wants it for archives. */
		snprintf(command, sizeof(command),
			 "cd %s; cp first-%zu x; truncate -s %%4 x; truncate -s +%u x;"
			 "cat x second-%zu > '.%s'",
			 root, first, padding[i / count / count], second, image);
		assert_int_equal(system(command), 0);
		assert_int_equal(check_hook(&preflight, &note), 0);
		snprintf(command, sizeof(command), "cd %s; cat x first-%zu > '.%s'", root, second,
			 image);
		assert_int_equal(system(command), 0);
		assert_int_equal(check_hook(&preflight, &note), -ESTALE);
		assert_non_null(strstr(note.text, "kjump-restore is not in it"));
	}
}

/* What lies in the middle of a part is none, whatever it looks like. */
static void test_part_in_a_file(void **state)
{
	char image[256], command[1024];

	(void)state;
	own_image("/boot/initramfs-%s.img", image, sizeof(image));
	put("/tree/usr/bin/kjump-restore", "program");
	put("/tree/usr/lib/kjump/kjump-core.sh", "script");
	pack("/inner", "zstd -q -c");
	/* gzip leaves what it cannot compress as it is. */
	snprintf(command, sizeof(command),
		 "cd %s; rm -r tree; mkdir tree; (head -c 100000 /dev/urandom; cat inner; "
		 "head -c 100000 /dev/urandom) > tree/data",
		 root);
	assert_int_equal(system(command), 0);
	pack(image, "gzip -1");
	assert_int_equal(check_hook(&preflight, &note), -ESTALE);
}

/* A PE file of two sections, the second of which is .initrd at 1024. */
static void test_unified_image(void **state)
{
	unsigned char pe[1024] = "MZ";
	char image[256], path[512], command[1024];
	FILE *file;

	(void)state;
	own_image("/efi/EFI/Linux/arch-%s.efi", image, sizeof(image));
	pe[0x3c] = 128;
	memcpy(pe + 128, "PE\0\0", 4);
	pe[128 + 6] = 2;
	pe[128 + 20] = 240;
	memcpy(pe + 128 + 24 + 240, ".linux", 6);
	memcpy(pe + 128 + 24 + 240 + 40, ".initrd", 7);
	pe[128 + 24 + 240 + 40 + 21] = 1024 >> 8;
	put("/tree/usr/bin/kjump-restore", "program");
	put("/tree/usr/lib/kjump/kjump-core.sh", "script");
	pack("/main", "zstd -q -c");
	put(image, "");
	snprintf(path, sizeof(path), "%s%s", root, image);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(pe, 1, sizeof(pe), file), sizeof(pe));
	fclose(file);
	/* With what follows it, as a signature does. */
	snprintf(command, sizeof(command), "(cat %s/main; echo signature) >> %s", root, path);
	assert_int_equal(system(command), 0);
	assert_int_equal(check_hook(&preflight, &note), 0);
}

/* A loss that is known is a reason to refuse a hibernation, unless the user knows better. */
static void test_known_loss(void **state)
{
	size_t losses = 0;

	(void)state;
	for (const struct preflight_check *check = preflight_checks; check->name; check++)
		losses += !!(check->when & PREFLIGHT_LOSS);
	assert_int_equal(losses, 3);
	for (const struct preflight_check *check = preflight_checks; check->name; check++) {
		if (!(check->when & PREFLIGHT_LOSS))
			continue;
		assert_true(check->when & PREFLIGHT_RESTORE);
		assert_false(check->when & PREFLIGHT_ADVICE);
	}
	assert_int_equal(config_set(&config, "anyway", "yes", &note), 0);
	assert_true(config.anyway);
}

static const struct preflight_check *find_check(const char *name)
{
	const struct preflight_check *check = preflight_checks;

	while (check->name && strcmp(check->name, name))
		check++;
	assert_non_null(check->name);
	return check;
}

/* What a save makes of RESULT of the check, and what it says. */
static int verdict(const char *name, int result, char *said, size_t size)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO), ret;
	size_t length;

	assert_non_null(file);
	assert_true(saved >= 0);
	error_set(&note, 0, "what was found");
	fflush(stderr);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	ret = preflight_judge(find_check(name), &config, result, &note, &note);
	fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	rewind(file);
	length = fread(said, 1, size - 1, file);
	said[length] = '\0';
	fclose(file);
	return ret;
}

/* A save tells the doubts by which the session may be lost, and keeps silent about others. */
static void test_doubts_are_told(void **state)
{
	static const char *const told[] = { "boot parameter", "initramfs hook",
					    "memory added later", "swap on the target",
					    "key at boot" };
	static const char *const silent[] = { "changes of disks", "encrypted disks", "jump",
					      "target size" };
	char said[512];

	(void)state;
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		assert_int_equal(verdict(told[i], PREFLIGHT_DOUBT, said, sizeof(said)), 0);
		assert_non_null(strstr(said, told[i]));
		assert_non_null(strstr(said, ": what was found; going on\n"));
		assert_int_equal(verdict(told[i], 0, said, sizeof(said)), 0);
		assert_string_equal(said, "");
	}
	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++) {
		assert_int_equal(verdict(silent[i], PREFLIGHT_DOUBT, said, sizeof(said)), 0);
		assert_string_equal(said, "");
	}
	/* Problems: of an estimate, of the next boot, and of this one. */
	assert_int_equal(verdict("target size", -ENOSPC, said, sizeof(said)), 0);
	assert_non_null(strstr(said, "going on"));
	assert_int_equal(verdict("initramfs hook", -ESTALE, said, sizeof(said)), -ESTALE);
	assert_non_null(strstr(note.text, "the next boot would not restore (--anyway"));
	assert_int_equal(verdict("devices", -EOPNOTSUPP, said, sizeof(said)), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "nothing was saved (--anyway"));
	config.anyway = true;
	assert_int_equal(verdict("devices", -EOPNOTSUPP, said, sizeof(said)), 0);
	assert_int_equal(verdict("initramfs hook", -ESTALE, said, sizeof(said)), 0);
	assert_non_null(strstr(said, "going on"));
	assert_int_equal(verdict("target", -EBUSY, said, sizeof(said)), -EBUSY);
	assert_string_equal(note.text, "what was found");
}

#define test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_parameter),
		test(test_switched_off),
		test(test_parameter_that_may_change),
		test(test_hook),
		test(test_hook_of_a_closed_image),
		test(test_hook_of_another_kernel),
		test(test_hooks_of_mkinitcpio),
		test(test_hook_left_out),
		test(test_hook_for_another_target),
		test(test_packings),
		test(test_several_parts),
		test(test_part_in_a_file),
		test(test_unified_image),
		test(test_known_loss),
		test(test_doubts_are_told),
	};

	return cmocka_run_group_tests_name("next boot", tests, NULL, NULL);
}
