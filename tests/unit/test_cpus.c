/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs off and on, in a /sys/devices/system/cpu that is a directory. */
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

#include "kjump/check/checks.h"
#include "kjump/save/cpus.h"
#include "kjump/save/ledger.h"
#include "tests/unit/fake-sys.h"
#include "text/files.h"

static char root[FAKE_SYS_PATH];

#define place(name) fake_sys_place(root, name)
static void put(const char *name, const char *text)
{
	fake_sys_file(root, text, "%s", name);
}

/* States of cpu0 to cpu5 as a text: '-' has no switch, '?' one that takes nothing. */
static void put_cpus(const char *online, const char *states)
{
	char name[32];

	put("online", online);
	for (int cpu = 0; states[cpu]; cpu++) {
		snprintf(name, sizeof(name), "cpu%d", cpu);
		mkdir(place(name), 0700);
		snprintf(name, sizeof(name), "cpu%d/online", cpu);
		unlink(place(name));
		if (states[cpu] == '?')
			assert_int_equal(symlink("/dev/full", place(name)), 0);
		else if (states[cpu] != '-')
			put(name, (char[]){ states[cpu], '\n', '\0' });
	}
}

static void assert_cpus(const char *states)
{
	char name[32];

	for (int cpu = 0; states[cpu]; cpu++) {
		int state = '-';
		FILE *file;

		snprintf(name, sizeof(name), "cpu%d/online", cpu);
		file = fopen(place(name), "r");
		if (file) {
			state = fgetc(file);
			fclose(file);
		}
		if (states[cpu] != '?' && states[cpu] != state)
			fail_msg("CPU %d: '%c' instead of '%c'", cpu, state, states[cpu]);
	}
}

/* What is off already stays off, before, in between and afterwards; CPU 0 stays on. */
static void test_round(void **state)
{
	static const struct {
		const char *online, *before, *parked;
	} cases[] = {
		{ "0-5\n", "-11111", "-00000" }, /* kernels from 6.5 on have no switch of CPU 0 */
		{ "0-5\n", "111111", "100000" },
		{ "0,2-3,5\n", "-01101", "-00000" }, /* siblings off, as SMT control leaves them */
		{ "0\n", "-00000", "-00000" },
		{ "0-5\n", "-1-1-1", "-0-0-0" }, /* some cannot be switched off */
		{ "0-5\n", "------", "------" }, /* none can: no CONFIG_HOTPLUG_CPU */
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cpus cpus;

		put_cpus(cases[i].online, cases[i].before);
		assert_int_equal(cpus_park(&cpus, root, &err), 0);
		assert_cpus(cases[i].parked);
		cpus_unpark(&cpus, root);
		assert_cpus(cases[i].before);
		/* Twice is once: nothing is left to be done. */
		put_cpus(cases[i].online, cases[i].parked);
		cpus_unpark(&cpus, root);
		assert_cpus(cases[i].parked);
	}
}

static void test_refusal(void **state)
{
	struct cpus cpus;
	struct error err;

	(void)state;
	put_cpus("0-5\n", "-11?11");
	assert_int_equal(cpus_park(&cpus, root, &err), -ENOSPC);
	assert_string_equal(err.text, "CPU 3 does not go offline: No space left on device");
	assert_cpus("-11?11");
	cpus_unpark(&cpus, root);
	assert_cpus("-11?11");
}

/* Awake for a moment, and then as they were; siblings by SMT control. */
static void test_wake_offline(void **state)
{
	(void)state;
	put_cpus("0-1,4\n", "-11?10");
	put("present", "0-5\n");
	mkdir(place("smt"), 0700);
	put("smt/control", "on\n");
	cpus_wake_offline(root);
	/* On a kernel "1" and then "0"; a file that is not truncated shows the last one. */
	assert_cpus("-10?10");
	put_cpus("0-1,4\n", "-10?10");
	put("smt/control", "off\n");
	cpus_wake_offline(root);
	assert_cpus("-10?10");
	{
		char text[8] = "";
		FILE *file = fopen(place("smt/control"), "r");

		assert_int_equal(fread(text, 1, 4, file), 4);
		fclose(file);
		assert_string_equal(text, "off\n");
	}
	/* One that the toggle left on goes back to sleep: it was not online before. */
	put_cpus("0-1,4\n", "-1111-");
	cpus_wake_offline(root);
	assert_cpus("-1001-");
	unlink(place("present"));
	cpus_wake_offline(root); /* says so */
}

static void test_lists(void **state)
{
	static const char *const bad[] = {
		"x", "0-", "3-1", "0-8192", "0-4000,0-4000,0-4000", "-1"
	};
	struct cpus cpus;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_cpus(bad[i], "-11111");
		assert_int_equal(cpus_park(&cpus, root, &err), -EINVAL);
		assert_non_null(strstr(err.text, "/online: "));
		assert_cpus("-11111");
	}
	unlink(place("online"));
	assert_int_equal(cpus_park(&cpus, root, &err), -ENOENT);
	/* The largest machine: numbers without a switch are passed over. */
	put_cpus("0-8191", "-11111");
	assert_int_equal(cpus_park(&cpus, root, &err), 0);
	assert_int_equal(cpus.count, 5);
	assert_int_equal(cpus.parked[0], 5);
	cpus_unpark(&cpus, root);
	assert_cpus("-11111");
}

static int setup(void **state)
{
	(void)state;
	fake_sys_make(root);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_sys_remove(root);
	return 0;
}

/* Who is killed puts nothing back; the next one does, and takes no other thread's number for it. */
static void test_killed(void **state)
{
	char path[900], cpus[900], proc[900], wakeup[900], text[64], threads[] = "1";
	const struct ledger_places places = { path, proc, cpus };
	struct affinity_thread thread = { 1, 1, threads };
	const struct affinity affinity = { &thread, 1, 1 };
	struct ledger ledger;
	struct error err;

	(void)state;
	strcpy(path, place("switched-off"));
	strcpy(proc, place("proc"));
	strcpy(wakeup, place("wakeup"));
	strcpy(cpus, place("."));
	put_cpus("0-1,3,5\n", "-10101");
	put("wakeup", "enabled\n");
	ledger_begin(&ledger, path);
	ledger_wakeup(&ledger, wakeup);
	ledger_cpus(&ledger, cpus, &affinity);
	put_cpus("0\n", "-00000");
	put("wakeup", "disabled\n");
	fclose(ledger.file);

	assert_true(check_is_left(path, proc)); /* nobody is in that /proc */
	ledger_put_back(&places);
	assert_cpus("-10101");
	assert_int_equal(file_read(wakeup, text, sizeof(text), &err), 0);
	/* A switch takes what is written as a whole; a file keeps what is behind it. */
	assert_string_equal(text, "enabledd");
	assert_int_equal(access(path, F_OK), -1);
	assert_false(check_is_left(path, proc));

	/* While the process lives it is at work; and it leaves nothing behind. */
	ledger_begin(&ledger, path);
	strcpy(proc, "/proc");
	assert_false(check_is_left(path, proc));
	ledger_end(&ledger, path);
	assert_int_equal(access(path, F_OK), -1);
	ledger_put_back(&places);

	/* What is cut short is put back as far as it goes. */
	put("switched-off", "process = 1\ncpus = 1-3\nthread = 7\nwakeup = /nowhere");
	put_cpus("0\n", "-00000");
	ledger_put_back(&places);
	assert_cpus("-11100");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),	     cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_wake_offline), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_killed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
