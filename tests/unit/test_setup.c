/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Systems set up for kjump and back again, each a directory with programs of its own: whatever
 * happens in between, they are as they were.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "common/signals.h"
#include "jump/pe.h"
#include "kjump/paths.h"
#include "kjump/setup/setup.h"
#include "tests/unit/fake-root.h"

#define SPEC	"UUID=12345678-1234-1234-1234-123456789abc"
#define WORD	"rd.kjump.resume=" SPEC
#define RELEASE "6.12.1-test"
#define GRUB	"A=1\nGRUB_CMDLINE_LINUX=\"quiet\"\n"
#define ENTRY	"title x\nversion " RELEASE "\noptions root=/dev/x ro\nlinux /vmlinuz\n"

/* --- crashes ---------------------------------------------------------------------------------- */

/* The process ends before this many more calls that change something; 0 = never. */
static int crash_after;

static void count(void)
{
	if (crash_after && !--crash_after)
		_exit(99);
}

int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __real_symlink(const char *target, const char *path);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_symlink(const char *target, const char *path);
int __wrap_mkdir(const char *path, mode_t mode);

int __wrap_fsync(int fd)
{
	count();
	return __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
	count();
	return __real_rename(from, to);
}

int __wrap_symlink(const char *target, const char *path)
{
	count();
	return __real_symlink(target, path);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	count();
	return __real_mkdir(path, mode);
}

/* --- systems ---------------------------------------------------------------------------------- */

/* A program of the system; $root is where it lies. */
static void program(const char *path, const char *text)
{
	char script[4096], full[512];

	snprintf(script, sizeof(script), "#!/bin/sh\nset -e\nroot=${0%%%s}\n%s", path, text);
	put(path, script);
	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(chmod(full, 0755), 0);
}

/* Make an image with the hook, and with the target that is configured, at $image. */
#define MAKE_IMAGE                                                                                 \
	"[ ! -e \"$root/fail\" ] || { : > \"$image\"; echo no space; exit 1; }\n"                  \
	"[ ! -e \"$root/empty\" ] || { : > \"$image\"; exit 0; }\n"                                \
	"tree=$(mktemp -d)\nmkdir $tree/etc\n"                                                     \
	"[ -e \"$root/hookless\" ] || for file in kjump-restore kjump-core.sh; do echo x > "       \
	"$tree/$file; done\n"                                                                      \
	"sed -n 's/^target = /early /p' \"$root/etc/kjump.conf\" > $tree/etc/kjump.targets\n"      \
	"key=$root/etc/kjump/key.luks\n"                                                           \
	"[ -e \"$root/keyless\" ] || [ ! -e $key ] || install -D $key $tree/etc/kjump/key.luks\n"  \
	"(cd $tree && find . | cpio --quiet -o -H newc) > \"$image\"\nrm -r $tree\n"

static void common(void)
{
	put("/proc/cmdline", "quiet\n");
	put("/etc/kjump.conf", "# settings\n#target = UUID=\n\n#level = 1\n");
	put("/var/lib/other", "");
	put("/lib/modules/" RELEASE "/modules.dep", "");
	put("/lib/modules/" RELEASE "/kernel/x", "");
	put("/usr/lib/systemd/system/kjump-boot-on.service", "");
	program(PATH_UPDATE_INITRAMFS, "mkdir -p $root/var/lib/kjump\n"
				       "echo b > $root/var/lib/kjump/initramfs-$2.img\n");
}

static void initramfs_tools(void)
{
	put("/usr/share/initramfs-tools/hooks/kjump", "");
	put("/usr/sbin/mkinitramfs", "");
	put("/boot/initrd.img-" RELEASE, "old image\n");
	program("/usr/sbin/update-initramfs", "image=$root/boot/initrd.img-$3\n" MAKE_IMAGE);
}

static void dracut(const char *image)
{
	put("/usr/lib/dracut/modules.d/50kjump/module-setup.sh", "");
	put(image, "old image\n");
	program("/usr/bin/dracut", "image=$2\n" MAKE_IMAGE);
}

/* READS: what its grub-mkconfig sources. */
static void grub(const char *program_path, const char *configuration, const char *reads)
{
	char text[1024];

	put("/etc/default/grub", GRUB);
	put(configuration, "linux /vmlinuz quiet\n");
	snprintf(text, sizeof(text),
		 "[ ! -e $root/grub-fails ] || { echo x > $2.new; exit 3; }\n. "
		 "$root/etc/default/grub\n"
		 "for x in $root/%s; do [ ! -e \"$x\" ] || . \"$x\"; done\n"
		 "[ ! -e $root/grub-drops ] || GRUB_CMDLINE_LINUX=\n"
		 "echo \"linux /vmlinuz $GRUB_CMDLINE_LINUX\" > \"$2\"\n",
		 reads);
	program(program_path, text);
}

static void debian(void)
{
	initramfs_tools();
	grub("/usr/sbin/grub-mkconfig", "/boot/grub/grub.cfg", "etc/default/grub.d/*.cfg");
}

static void arch(void)
{
	dracut("/boot/initramfs-" RELEASE ".img");
	grub("/usr/bin/grub-mkconfig", "/boot/grub/grub.cfg", "none");
}

static void fedora(void)
{
	dracut("/boot/initramfs-" RELEASE ".img");
	grub("/usr/sbin/grub2-mkconfig", "/boot/grub2/grub.cfg", "none");
	put("/boot/grub2/grub.cfg", "insmod blscfg\nblscfg\n");
	put("/boot/loader/entries/m-" RELEASE ".conf", ENTRY);
	put("/boot/loader/entries/m-0-rescue.conf", ENTRY);
	put("/etc/kernel/cmdline", "root=/dev/x ro\n");
}

static void systemd_boot(void)
{
	dracut("/boot/m/" RELEASE "/initrd");
	put("/boot/loader/entries/m-" RELEASE ".conf", ENTRY);
	put("/boot/loader/entries/windows.conf", "title Windows\nefi /EFI/x.efi\n");
	put("/etc/kernel/cmdline", "root=/dev/x ro");
}

/* What a unified image begins with (UAPI.5): four sections, each at a place of its own. */
#define UNIFIED "/boot/EFI/Linux/m-" RELEASE ".efi"
#define STUB	"/usr/lib/systemd/boot/efi/stub"

static void stub(void)
{
	static const struct {
		const char *name;
		uint32_t offset, size;
	} sections[] = {
		{ ".uname", 1024, 64 },
		{ ".cmdline", 2048, 512 },
		{ ".linux", 4096, 16 },
		{ ".initrd", 8192, 16384 },
	};
	static unsigned char bytes[8192 + 16384];
	const size_t header = 128, first = header + 24 + 240;

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, "MZ", 2);
	bytes[0x3c] = header;
	memcpy(bytes + header, "PE\0\0", 4);
	bytes[header + 6] = sizeof(sections) / sizeof(*sections);
	bytes[header + 20] = 240;
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		unsigned char *entry = bytes + first + i * 40;

		memcpy(entry, sections[i].name, strlen(sections[i].name));
		memcpy(entry + 8, &sections[i].size, 4);
		memcpy(entry + 16, &sections[i].size, 4);
		memcpy(entry + 20, &sections[i].offset, 4);
	}
	memcpy(bytes + 1024, RELEASE, strlen(RELEASE));
	memcpy(bytes + 2048, "root=/dev/x ro", 14);
	put_bytes(STUB, bytes, sizeof(bytes));
	put_bytes(UNIFIED, bytes, sizeof(bytes));
	put("/etc/kernel/cmdline", "root=/dev/x ro\n");
	put("/lib/modules/" RELEASE "/vmlinuz", "kernel");
}

/* Make the image, and a unified one of it and of /etc/kernel/cmdline. */
#define MAKE_UNIFIED                                                                               \
	"unified=$root" UNIFIED "\nimage=$(mktemp)\n" MAKE_IMAGE "cp $root" STUB " $unified\n"     \
	"dd if=$root/etc/kernel/cmdline of=$unified bs=1 seek=2048 conv=notrunc 2> /dev/null\n"    \
	"dd if=$image of=$unified bs=4096 seek=2 conv=notrunc 2> /dev/null\nrm $image\n"

static void unified(void)
{
	dracut(UNIFIED);
	stub();
	program("/usr/bin/kernel-install",
		"[ \"$1 $2\" = \"add " RELEASE "\" ] && [ -e \"$root$3\" ]\n" MAKE_UNIFIED);
}

static void unified_arch(void)
{
	stub();
	put("/usr/lib/initcpio/hooks/kjump", "");
	put("/etc/mkinitcpio.d/linux.preset", "default_uki=\"" UNIFIED "\"\n");
	put("/etc/mkinitcpio.conf", "HOOKS=(base udev block filesystems fsck)\n");
	program("/usr/bin/mkinitcpio", "[ \"$*\" = -P ]\ngrep -q 'kjump filesystems' "
				       "$root/etc/mkinitcpio.conf\n" MAKE_UNIFIED);
}

static void unknown(void)
{
	initramfs_tools();
}

static const struct {
	const char *name;
	void (*make)(void);
	unsigned loaders;
	const char *file, *has; /* afterwards */
} systems[] = {
	{ "Debian", debian, 1, "/etc/default/grub.d/zz-kjump.cfg",
	  "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX " WORD "\"\n" },
	{ "Debian", debian, 1, "/boot/grub/grub.cfg", "linux /vmlinuz quiet " WORD "\n" },
	{ "Arch", arch, 1, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet " WORD "\"\n" },
	{ "Fedora", fedora, 1, "/boot/loader/entries/m-" RELEASE ".conf",
	  "options root=/dev/x ro " WORD "\n" },
	{ "Fedora", fedora, 1, "/etc/default/grub", WORD },
	{ "Fedora", fedora, 1, "/etc/kernel/cmdline", "root=/dev/x ro " WORD "\n" },
	{ "systemd-boot", systemd_boot, 1, "/etc/kernel/cmdline", "root=/dev/x ro " WORD },
	{ "unified", unified, 1, "/etc/kernel/cmdline", "root=/dev/x ro " WORD "\n" },
	{ "unified, Arch", unified_arch, 1, "/etc/kernel/cmdline", "root=/dev/x ro " WORD "\n" },
	{ "unified, Arch", unified_arch, 1, "/etc/mkinitcpio.conf", "block kjump filesystems" },
	{ "unknown", unknown, 0, "/etc/kjump.conf", "#target = UUID=\ntarget = " SPEC "\n" },
};
#define SYSTEM_COUNT (sizeof(systems) / sizeof(*systems))

/* A new system in place of the one before. */
static void build(void (*make)(void))
{
	end(NULL);
	start(NULL);
	common();
	make();
}

/* --- what they are ---------------------------------------------------------------------------- */

/* All names with kinds, modes and links, and what is in the files. The caller frees it. */
static char *tree(void)
{
	char command[512], *text = calloc(1, 1 << 20);
	FILE *stream;

	assert_non_null(text);
	snprintf(command, sizeof(command),
		 "cd %s && { find . -printf '%%p %%y %%m %%l\\n'; find . -type f -printf '%%p "
		 "%%T@\\n'"
		 " -exec cksum {} +; } | LC_ALL=C sort",
		 root);
	stream = popen(command, "r");
	assert_non_null(stream);
	assert_in_range(fread(text, 1, (1 << 20) - 1, stream), 100, (1 << 20) - 2);
	assert_int_equal(pclose(stream), 0);
	return text;
}

/* Nothing but the first lines that differ is said. */
static void is_as(const char *before, const char *what)
{
	char *now = tree();
	size_t at = 0;

	while (before[at] && before[at] == now[at])
		at++;
	if (before[at] || now[at]) {
		while (at && before[at - 1] != '\n')
			at--;
		fail_msg("%s: '%.*s' became '%.*s'", what, (int)strcspn(before + at, "\n"),
			 before + at, (int)strcspn(now + at, "\n"), now + at);
	}
	free(now);
}

static bool has(const char *path, const char *text)
{
	char full[512], content[4096] = "";
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	file = fopen(full, "r");
	if (!file)
		return false;
	content[fread(content, 1, sizeof(content) - 1, file)] = '\0';
	fclose(file);
	return strstr(content, text) != NULL;
}

/* --- runs ------------------------------------------------------------------------------------- */

static struct setup setup;
static char said[65536];

static int run(bool dry_run)
{
	FILE *out = fmemopen(said, sizeof(said), "w");
	int ret;

	assert_non_null(out);
	note = (struct error){ 0 };
	setup = (struct setup){ .root = root, .dry_run = dry_run, .out = out };
	assert_int_equal(journal_open(&setup.journal, root, &note), 0);
	setup.start = setup.journal.count;
	ret = setup_run(&setup, SPEC, &note);
	journal_close(&setup.journal);
	fclose(out);
	return ret;
}

static int undo(void)
{
	FILE *out = fmemopen(said, sizeof(said), "w");
	int ret;

	assert_non_null(out);
	note = (struct error){ 0 };
	setup = (struct setup){ .root = root, .out = out };
	assert_int_equal(journal_open(&setup.journal, root, &note), 0);
	ret = setup_undo(&setup, 0, &note);
	journal_close(&setup.journal);
	fclose(out);
	return ret;
}

/* Run ACTION in a process that ends before its call number N that changes something; true when it
 * made that many. */
static bool crashes(int (*action)(void), int n)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		crash_after = n;
		_exit(action() ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 99);
	return WEXITSTATUS(status) == 99;
}

static int set_up(void)
{
	return run(false);
}

static void works(int ret)
{
	if (ret)
		fail_msg("%s", note.text);
}

static void test_there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < SYSTEM_COUNT; i++) {
		char *before, *after, planned[sizeof(said)];

		build(systems[i].make);
		before = tree();
		works(run(true));
		strcpy(planned, said);
		is_as(before, "a dry run");
		works(run(false));
		assert_string_equal(planned, said);
		assert_int_equal(setup.loaders, systems[i].loaders);
		assert_int_equal(setup.todo, !systems[i].loaders);
		if (!has(systems[i].file, systems[i].has))
			fail_msg("%s: no %s in %s", systems[i].name, systems[i].has,
				 systems[i].file);
		assert_true(has("/etc/kjump.conf", "\ntarget = " SPEC "\n"));
		after = tree();
		works(run(false));
		assert_int_equal(setup.changes, 0);
		is_as(after, "a second run");
		works(undo());
		is_as(before, systems[i].name);
		works(undo());
		free(before);
		free(after);
	}
	assert_false(has("/boot/loader/entries/m-0-rescue.conf", WORD));
}

/* A unified image has the parameter itself, and boots with nothing else. */
static void test_unified(void **state)
{
	static void (*const makes[])(void) = { unified, unified_arch };

	(void)state;
	for (size_t i = 0; i < sizeof(makes) / sizeof(*makes); i++) {
		char path[512], text[1024];
		int fd;

		build(makes[i]);
		works(run(false));
		snprintf(path, sizeof(path), "%s%s", root, UNIFIED);
		fd = open(path, O_RDONLY);
		assert_true(fd >= 0);
		assert_true(pe_section_text(fd, ".cmdline", text, sizeof(text)));
		close(fd);
		assert_string_equal(text, "root=/dev/x ro " WORD);
	}
}

/* Before any call that changes something, and undone, or set up again and then undone. */
static void test_crashes(void **state)
{
	static void (*const makes[])(void) = { debian, arch, fedora, systemd_boot, unified };

	(void)state;
	for (size_t i = 0; i < sizeof(makes) / sizeof(*makes); i++) {
		int n = 1;

		for (bool more = true; more; n++) {
			char *before;

			build(makes[i]);
			before = tree();
			more = crashes(set_up, n);
			if (n % 2)
				works(run(false));
			works(undo());
			is_as(before, "undone after a crash");
			free(before);
		}
		assert_in_range(n, 15, 200);
	}
}

static void test_crashes_of_undo(void **state)
{
	int n = 1;

	(void)state;
	for (bool more = true; more; n++) {
		char *before;

		build(debian);
		before = tree();
		works(run(false));
		more = crashes(undo, n);
		works(undo());
		is_as(before, "undone twice");
		free(before);
	}
	assert_in_range(n, 5, 200);
}

/* A copy that there is no room for: that is why, and nothing is left. */
static void test_no_room(void **state)
{
	const struct rlimit little = { 32768, RLIM_INFINITY };
	const struct rlimit usual = { RLIM_INFINITY, RLIM_INFINITY };
	static char image[65536];
	char *before;

	(void)state;
	build(debian);
	put_bytes("/boot/initrd.img-" RELEASE, image, sizeof(image));
	before = tree();
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_int_equal(run(false), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
	assert_non_null(strstr(note.text, "File too large; all was put back"));
	is_as(before, "no room");
	free(before);
}

/* Whatever fails, all is put back and said. */
static void test_failures(void **state)
{
	static const struct {
		void (*make)(void);
		const char *file, *why;
	} cases[] = {
		{ debian, "/fail", "update-initramfs failed with 1: no space" },
		{ debian, "/empty", "empty" },
		{ debian, "/hookless", "without kjump's hook" },
		{ debian, "/grub-fails", "grub-mkconfig failed with 3" },
		{ debian, "/grub-drops", "set elsewhere" },
		{ arch, "/fail", "dracut failed with 1: no space" },
		{ arch, "/empty", "made no image" },
		{ arch, "/hookless", "without kjump's hook" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *before;

		build(cases[i].make);
		put(cases[i].file, "");
		before = tree();
		assert_true(run(false) < 0);
		if (!strstr(note.text, cases[i].why) || !strstr(note.text, "; all was put back"))
			fail_msg("%s: '%s'", cases[i].file, note.text);
		is_as(before, cases[i].file);
		free(before);
	}
}

/* Neither of two at a time changes anything, from its first step on; nor is the journal lost. */
static void test_two_at_a_time(void **state)
{
	struct journal other;
	char *before;

	(void)state;
	build(debian);
	works(run(false));
	put("/etc/default/grub.d/zz-kjump.cfg", "GRUB_CMDLINE_LINUX=\"" WORD "\" # mine\n");
	put("/etc/kjump.conf", "target = UUID=2\n");
	assert_int_equal(journal_open(&other, root, &note), 0);
	works(journal_lock(&other, &note));
	before = tree();
	assert_int_equal(undo(), -EBUSY);
	assert_non_null(strstr(note.text, "another kjump is at work"));
	is_as(before, "undone beside another");
	assert_int_equal(run(false), -EBUSY);
	assert_non_null(strstr(note.text, "another kjump is at work; nothing was changed"));
	is_as(before, "set up beside another");
	journal_close(&other);
	is_as(before, "another's end");
	free(before);
	works(undo());

	/* What comes to nothing leaves no journal. */
	build(debian);
	before = tree();
	assert_int_equal(journal_open(&other, root, &note), 0);
	works(journal_lock(&other, &note));
	journal_close(&other);
	is_as(before, "nothing done");
	free(before);
}

/* ACTION with signals held back, in a process of its own. Returns what it returns, as a positive
 * number. */
static int held(int (*action)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		signals_hold();
		_exit(-action());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Its parent is stopped while it runs, with a program of its own, which runs on. */
#define STOP "(trap '' HUP; exec sleep 60) &\necho $! > $root/sleeper\nkill -TERM $PPID\nwait\n"

static void test_stopped(void **state)
{
	char *before, path[512], pid[32] = "";
	FILE *file;

	(void)state;
	build(debian);
	program("/usr/sbin/update-initramfs", ": > $root/boot/initrd.img-" RELEASE ".new\n" STOP);
	before = tree();
	assert_int_equal(held(set_up), ECANCELED);
	snprintf(path, sizeof(path), "%s/sleeper", root);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(pid, sizeof(pid), file));
	fclose(file);
	assert_int_equal(kill(atoi(pid), 0), -1);
	drop("/sleeper");
	is_as(before, "stopped");
	free(before);

	/* What is taken back is taken back to the end. */
	build(debian);
	works(run(false));
	put("/boot/grub/grub.cfg", "linux of a later kernel " WORD "\n");
	program("/usr/sbin/grub-mkconfig",
		"kill -TERM $PPID\nsleep 0.2\necho linux anew > \"$2\"\n");
	assert_int_equal(held(undo), 0);
	assert_true(has("/boot/grub/grub.cfg", "linux anew"));
	assert_false(has("/etc/kjump.conf", SPEC));
}

/* What is not understood is not edited. */
static void test_refusals(void **state)
{
	static const struct {
		const char *file, *text, *why;
	} cases[] = {
		{ "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"$(cat /x)\"\n", "line 1" },
		{ "/etc/kjump.conf", "nonsense\n", "kjump.conf" },
		{ "/boot/loader/entries/a.conf", "linux /x\noptions $kernelopts\n", "grubby" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *before;

		build(fedora);
		put(cases[i].file, cases[i].text);
		before = tree();
		assert_true(run(false) < 0);
		if (!strstr(note.text, cases[i].why))
			fail_msg("'%s'", note.text);
		is_as(before, cases[i].file);
		free(before);
	}
	build(fedora);
	put("/etc/other", GRUB);
	put_link("/etc/default/grub", "../other");
	assert_int_equal(run(false), -EINVAL);
	assert_non_null(strstr(note.text, "not a plain file"));
}

/* Edits of others survive; what was made anew since is made once more. */
static void test_edited_since(void **state)
{
	(void)state;
	build(arch);
	works(run(false));
	put("/etc/default/grub", "B=2\nGRUB_CMDLINE_LINUX=\"quiet " WORD " mine\"\n");
	put("/etc/kjump.conf", "target = " SPEC "\nlevel = 3\n");
	put("/boot/grub/grub.cfg", "linux of a later kernel " WORD "\n");
	put("/boot/initramfs-" RELEASE ".img", "a later image");
	works(undo());
	assert_true(has("/etc/default/grub", "B=2\nGRUB_CMDLINE_LINUX=\"quiet mine\"\n"));
	assert_true(has("/etc/kjump.conf", "level = 3\n"));
	assert_false(has("/etc/kjump.conf", "target"));
	assert_true(has("/boot/grub/grub.cfg", "linux /vmlinuz quiet mine\n"));
	assert_false(has("/boot/initramfs-" RELEASE ".img", "later"));
	assert_non_null(strstr(said, "/etc/default/grub: edited since; what setup had put in"));

	/* What setup made as a whole is out of the way, whatever was made of it. */
	build(debian);
	works(run(false));
	put("/etc/default/grub.d/zz-kjump.cfg",
	    "if true; then\n\tGRUB_CMDLINE_LINUX=\"quiet " WORD "\"\nfi\n");
	works(undo());
	assert_non_null(strstr(said, "zz-kjump.cfg: edited since, kept as /etc/default/grub.d/"));
	assert_true(has("/etc/default/grub.d/zz-kjump.cfg.kjump-saved", "if true"));
	assert_false(has("/etc/default/grub.d/zz-kjump.cfg", ""));
	assert_false(has("/boot/grub/grub.cfg", WORD));

	/* What cannot be told is left, said, and tried again. */
	build(arch);
	works(run(false));
	put("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"$(x) " WORD "\"\n");
	assert_int_equal(undo(), -EINVAL);
	assert_non_null(strstr(note.text, "edited since"));
	assert_non_null(strstr(said, "-> "));
	assert_non_null(strstr(said, "/etc/default/grub: edited since, " WORD " is still in it"));
	put("/etc/default/grub", GRUB);
	works(undo());
	assert_false(has("/boot/grub/grub.cfg", WORD));
}

/* What setup replaced comes back, into what was edited since as well. */
static void test_replaced(void **state)
{
#define OLD "rd.kjump.resume=UUID=old"
	(void)state;
	build(fedora);
	put("/etc/kjump.conf", "target = UUID=old\n");
	put("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"" OLD " quiet\"\n");
	put("/etc/kernel/cmdline", "ro " OLD "\n");
	put("/boot/loader/entries/m-" RELEASE ".conf", "linux /vmlinuz\noptions a " OLD " b\n");
	works(run(false));
	assert_true(has("/boot/loader/entries/m-" RELEASE ".conf", "options a " WORD " b\n"));
	put("/etc/kjump.conf", "target = " SPEC "\nlevel = 3\n");
	put("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"" WORD " quiet\"\nMINE=1\n");
	put("/etc/kernel/cmdline", "rw " WORD "\n");
	put("/boot/loader/entries/m-" RELEASE ".conf", "linux /vmlinuz\noptions b " WORD " c\n");
	works(undo());
	assert_true(has("/etc/kjump.conf", "target = UUID=old\nlevel = 3\n"));
	assert_true(has("/etc/default/grub", "\"" OLD " quiet\"\nMINE=1\n"));
	assert_true(has("/etc/kernel/cmdline", "rw " OLD "\n"));
	assert_true(has("/boot/loader/entries/m-" RELEASE ".conf", "options b " OLD " c\n"));

	/* Not where somebody put another one since. */
	works(run(false));
	put("/etc/kjump.conf", "target = UUID=new\nlevel = 3\n");
	works(undo());
	assert_true(has("/etc/kjump.conf", "target = UUID=new\nlevel = 3\n"));
}

/* Entries and images of kernels that came since, with the parameter from what setup changed. */
static void test_made_since(void **state)
{
	char command[512];

	(void)state;
	build(fedora);
	works(run(false));
	put("/boot/loader/entries/m-7.conf", "linux /vmlinuz\noptions root=/dev/x " WORD " ro\n");
	put("/efi/loader/entries/renamed.conf", "linux /a\noptions " WORD "-2 x\noptions " WORD);
	put("/boot/loader/entries/mine.conf", "linux /vmlinuz\noptions " OLD "\n");
	works(undo());
	assert_true(has("/boot/loader/entries/m-7.conf", "options root=/dev/x ro\n"));
	assert_true(has("/efi/loader/entries/renamed.conf", "options " WORD "-2 x\n"));
	assert_true(has("/boot/loader/entries/mine.conf", OLD));
	assert_non_null(strstr(said, "/boot/loader/entries/m-7.conf: " WORD " is out of it"));

	build(unified);
	works(run(false));
	put("/etc/kernel/cmdline", "root=/dev/x ro " WORD "\n");
	snprintf(command, sizeof(command), "cd %s%s && cp m-" RELEASE ".efi m-7.efi", root,
		 "/boot/EFI/Linux");
	assert_int_equal(system(command), 0);
	program("/usr/bin/kernel-install", "echo anew > $root/boot/EFI/Linux/m-7.efi\n");
	works(undo());
	assert_true(has("/boot/EFI/Linux/m-7.efi", "anew"));
}

static void test_nothing_to_make_it_with(void **state)
{
	(void)state;
	build(debian);
	drop("/usr/share/initramfs-tools/hooks/kjump");
	works(run(false));
	assert_int_equal(setup.todo, 1);
	assert_non_null(strstr(said, "no hook for initramfs-tools"));
	build(unknown);
	put("/proc/cmdline", "quiet " WORD "\n");
	works(run(false));
	assert_int_equal(setup.todo, 0);
	build(debian);
	drop(PATH_UPDATE_INITRAMFS);
	assert_int_equal(run(false), -ENOENT);
	assert_non_null(strstr(note.text, "all was put back"));
}

/* The head of a container, after so many changes of it. */
static void put_container(unsigned char changes)
{
	unsigned char head[8192] = "LUKS\xba\xbe\0\x02\0\0\0\0\0\0\x20\0";

	head[23] = changes;
	strcpy((char *)head + 168, "857ad566-c256-4667-ba6b-c6fe8caf6c20");
	strcpy((char *)head + 4096, "{}");
	put("/etc/kjump/key.luks", "");
	put_bytes("/etc/kjump/key.luks", head, sizeof(head));
}

/* A key that was made, or given another token, since the images were. */
static void test_key(void **state)
{
	(void)state;
	build(debian);
	works(run(false));
	put_container(3);
	works(run(false));
	assert_non_null(strstr(said, "initramfs images made anew"));
	works(run(false));
	assert_int_equal(setup.changes, 0);
	put_container(4);
	works(run(true));
	assert_int_equal(setup.changes, 1);
	/* By a builder that does not take it. */
	put("/keyless", "");
	assert_int_equal(run(false), -ESTALE);
	assert_non_null(strstr(note.text, "without the key of sealed images"));
	assert_non_null(strstr(note.text, "all was put back"));
	drop("/keyless");
	works(run(false));
	works(undo());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_there_and_back, start, end),
		cmocka_unit_test_setup_teardown(test_unified, start, end),
		cmocka_unit_test_setup_teardown(test_crashes, start, end),
		cmocka_unit_test_setup_teardown(test_crashes_of_undo, start, end),
		cmocka_unit_test_setup_teardown(test_failures, start, end),
		cmocka_unit_test_setup_teardown(test_no_room, start, end),
		cmocka_unit_test_setup_teardown(test_two_at_a_time, start, end),
		cmocka_unit_test_setup_teardown(test_stopped, start, end),
		cmocka_unit_test_setup_teardown(test_refusals, start, end),
		cmocka_unit_test_setup_teardown(test_edited_since, start, end),
		cmocka_unit_test_setup_teardown(test_replaced, start, end),
		cmocka_unit_test_setup_teardown(test_made_since, start, end),
		cmocka_unit_test_setup_teardown(test_key, start, end),
		cmocka_unit_test_setup_teardown(test_nothing_to_make_it_with, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
