/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the checks say to others than root, who may not look at all of it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "jump/jump.h"
#include "kjump/check/checks.h"
#include "kjump/load/kernel-file.h"
#include "tests/unit/fake-root.h"

#define BOOTED "00001000-0009fbff : System RAM\n00100000-1ffdffff : System RAM\n"

static int refuse(struct preflight *refused, struct error *refusal)
{
	(void)refused;
	return error_set(refusal, EPERM, "closed");
}

static int lack(struct preflight *lacking, struct error *lacked)
{
	lacking->advice = "get one";
	return error_set(lacked, ENOENT, "none");
}

/* What root alone may look at is no problem of the machine's for others. */
static void test_not_root(void **state)
{
	const struct preflight_check closed = { "closed", "open it", 0, refuse };
	const struct preflight_check missing = { "missing", "open it", 0, lack };
	const uid_t user = geteuid();

	(void)state;
	if (user == 0) {
		assert_int_equal(preflight_check(&closed, &preflight, &note), -EPERM);
		assert_string_equal(preflight.advice, "open it");
		assert_int_equal(seteuid(65534), 0);
	}
	assert_int_equal(preflight_check(&closed, &preflight, &note), PREFLIGHT_UNKNOWN);
	assert_string_equal(note.text, "only root may look: closed");
	assert_int_equal(preflight_check(&missing, &preflight, &note), -ENOENT);
	assert_string_equal(preflight.advice, "get one");
	assert_int_equal(seteuid(user), 0);
}

/* Become nobody, for whom all of the machine is open but PATH. Returns whether that is possible. */
static bool become_nobody(const char *path)
{
	char command[512];

	snprintf(command, sizeof(command), "chmod -R a+rX %s; chmod 0 %s%s", root, root, path);
	assert_int_equal(system(command), 0);
	/* access() asks for the real user. */
	return geteuid() != 0 || setresuid(65534, 65534, 0) == 0;
}

/* Undo that. */
static void become_root(const char *path)
{
	uid_t real, effective, saved;
	char full[512];

	assert_int_equal(getresuid(&real, &effective, &saved), 0);
	if (saved == 0)
		assert_int_equal(setresuid(0, 0, 0), 0);
	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(chmod(full, 0700), 0);
}

/* What only root may look at is unknown to others: it is not in order because they see nothing. */
static void closes(int (*run)(struct preflight *, struct error *), const char *path)
{
	const struct preflight_check check = { "closed", "open it", 0, run };

	if (geteuid() == 0)
		assert_int_equal(preflight_check(&check, &preflight, &note), 0);
	assert_true(become_nobody(path));
	note = (struct error){ 0 };
	assert_int_equal(preflight_check(&check, &preflight, &note), PREFLIGHT_UNKNOWN);
	become_root(path);
	assert_non_null(strstr(note.text, "only root may look"));
}

static void test_closed_processes(void **state)
{
	(void)state;
	put_link("/proc/42/fd/7", "anon_inode:[eventpoll]");
	put("/proc/sys/kernel/osrelease", "6.19.3\n");
	closes(check_live_update, "/proc/42/fd");
	/* Nobody has to look where no kernel does that. */
	put("/proc/sys/kernel/osrelease", "6.12.3\n");
	assert_true(become_nobody("/proc/42/fd"));
	assert_int_equal(check_live_update(&preflight, &note), 0);
	become_root("/proc/42/fd");
	/* One that is found counts, whatever else is closed. */
	put_link("/proc/43/fd/7", "anon_inode:[luo_session]");
	put("/proc/sys/kernel/osrelease", "6.19.3\n");
	assert_true(become_nobody("/proc/42/fd"));
	assert_int_equal(check_live_update(&preflight, &note), -EBUSY);
	become_root("/proc/42/fd");
}

static void test_closed_kcore(void **state)
{
	char core[4096] = "";

	(void)state;
	put("/proc/cpuinfo", "flags\t\t: fpu sme\n");
	put("/proc/cmdline", "quiet\n");
	put_bytes("/proc/kcore", core, sizeof(core));
	assert_true(become_nobody("/proc/kcore"));
	assert_int_equal(check_encrypted_memory(&preflight, &note), PREFLIGHT_UNKNOWN);
	assert_non_null(strstr(note.text, "/proc/kcore"));
	become_root("/proc/kcore");
	/* Others have no SME that could be in use. */
	put("/proc/cpuinfo", "flags\t\t: fpu sev_es\n");
	assert_int_equal(check_encrypted_memory(&preflight, &note), 0);
	/* Nor can root see it where there is none. */
	put("/proc/cpuinfo", "flags\t\t: fpu sme\n");
	assert_int_equal(check_encrypted_memory(&preflight, &note), PREFLIGHT_UNKNOWN);
}

#define ROOMY "MemTotal: 16384000 kB\nMemFree: 16000000 kB\nMemAvailable: 16000000 kB\n"

static void test_closed_footprint(void **state)
{
	(void)state;
	put("/proc/meminfo", ROOMY);
	put("/proc/iomem", BOOTED);
	put("/run/kjump-boot/footprint",
	    "ram_kib = 16384000\ntotal_kib = 16000000\nfree_kib = 1\navailable_kib = 1\n"
	    "reserve_kib = 1\nroom_kib = 15000000\n");
	closes(check_room, "/run/kjump-boot/footprint");
	/* Without one it is an estimate of what was added, which hidden addresses do not tell. */
	drop("/run/kjump-boot/footprint");
	assert_int_equal(check_room(&preflight, &note), 0);
	put("/proc/iomem", "00000000-00000000 : System RAM\n");
	assert_int_equal(check_room(&preflight, &note), PREFLIGHT_UNKNOWN);
}

static void test_closed_mounts(void **state)
{
	(void)state;
	put("/proc/self/mountinfo", "20 1 0:18 / / rw - tmpfs tmpfs rw\n");
	put("/proc/swaps", "Filename Type Size Used Priority\n");
	put("/closed", "");
	closes(check_watched, "/closed");
}

/* Debian's and Ubuntu's may be for root alone: that is another thing than no kernel. */
static void test_closed_kernel(void **state)
{
	char path[512], expected[256];

	(void)state;
	assert_false(kernel_file_find(root, "6.1-x", "quiet", path, sizeof(path)));
	put("/boot/vmlinuz-6.1-x", "kernel");
	assert_true(become_nobody("/boot/vmlinuz-6.1-x"));
	assert_true(kernel_file_find(root, "6.1-x", "quiet", path, sizeof(path)));
	become_root("/boot/vmlinuz-6.1-x");
	snprintf(expected, sizeof(expected), "%s/boot/vmlinuz-6.1-x", root);
	assert_string_equal(path, expected);
}

static void test_hidden_kernel(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/dev/kjump", root);
	assert_false(jump_hidden(path));
	put("/dev/kjump", "");
	assert_true(become_nobody("/dev/kjump"));
	assert_true(jump_hidden(path));
	become_root("/dev/kjump");
	if (geteuid() == 0)
		assert_false(jump_hidden(path));
}

#define test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_not_root),	     test(test_closed_processes), test(test_closed_kcore),
		test(test_closed_footprint), test(test_closed_mounts),	  test(test_hidden_kernel),
		test(test_closed_kernel),
	};

	return cmocka_run_group_tests_name("not root", tests, NULL, NULL);
}
