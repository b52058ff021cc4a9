/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cpusets of cgroup version 1, as directories. */
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

#include "kjump/save/cpusets.h"
#include "tests/unit/fake-sys.h"

static char root[FAKE_SYS_PATH];

#define place(name) fake_sys_place(root, name)
static void put(const char *name, const char *text)
{
	fake_sys_file(root, text, "%s", name);
}

static void expect(const char *name, const char *text)
{
	char found[128] = "";
	FILE *file = fopen(place(name), "r");

	assert_non_null(file);
	assert_true(fread(found, 1, sizeof(found) - 1, file) > 0);
	fclose(file);
	if (strncmp(found, text, strlen(text)))
		fail_msg("%s: '%s' instead of '%s'", name, found, text);
}

static void group(const char *name, const char *cpus, const char *tasks)
{
	char file[64];

	mkdir(place(name), 0700);
	snprintf(file, sizeof(file), "%s/cpuset.cpus", name);
	put(file, cpus);
	snprintf(file, sizeof(file), "%s/tasks", name);
	put(file, tasks);
}

static int begin(void **state)
{
	char mounts[256];

	(void)state;
	group("cpuset", "0-3\n", "1\n");
	group("cpuset/all", "0-3\n", "10\n");
	group("cpuset/all/two", "2-3\n", "77\n78\n");
	group("cpuset/none", "\n", "");
	group("cpuset/ten", "0,10\n", "5\n");
	group("v2", "1-3\n", "9\n");
	snprintf(mounts, sizeof(mounts),
		 "proc /proc proc rw 0 0\n"
		 "cgroup2 %s/v2 cgroup2 rw 0 0\ncgroup %s/v2 cgroup rw,memory 0 0\n"
		 "cgroup %s/cpuset cgroup rw,nosuid,cpuset 0 0\n",
		 root, root, root);
	put("mounts", mounts);
	return 0;
}

static void lost_and_given_back(void **state)
{
	struct cpusets cpusets;
	struct error err;

	(void)state;
	assert_int_equal(cpusets_save(&cpusets, place("mounts"), &err), 0);
	assert_int_equal(cpusets.count, 4);
	assert_string_equal(cpusets.sets[0].cpus, "0-3");
	/* What the kernel leaves behind. */
	group("cpuset/all", "0\n", "10\n77\n78\n");
	group("cpuset/all/two", "\n", "");
	group("cpuset/ten", "0\n", "5\n");
	group("v2", "0\n", "9\n");
	cpusets_restore(&cpusets);
	assert_int_equal(cpusets.count, 0);
	expect("cpuset/all/cpuset.cpus", "0-3");
	expect("cpuset/all/two/cpuset.cpus", "2-3");
	expect("cpuset/all/two/tasks", "78"); /* the last one that was moved */
	expect("cpuset/ten/cpuset.cpus", "0,10");
	expect("v2/cpuset.cpus", "0\n");
	cpusets_restore(&cpusets);
}

static void nothing_lost(void **state)
{
	struct cpusets cpusets;
	struct error err;

	(void)state;
	assert_int_equal(cpusets_save(&cpusets, place("mounts"), &err), 0);
	put("cpuset/all/two/tasks", "somebody");
	cpusets_restore(&cpusets);
	expect("cpuset/all/two/tasks", "somebody");
	/* Gone in between. */
	assert_int_equal(cpusets_save(&cpusets, place("mounts"), &err), 0);
	unlink(place("cpuset/ten/cpuset.cpus"));
	cpusets_restore(&cpusets);
}

static void not_of_version_1(void **state)
{
	struct cpusets cpusets;
	struct error err;
	char mounts[256];

	(void)state;
	snprintf(mounts, sizeof(mounts), "cgroup %s/cpuset cgroup rw,cpuset,cpuset_v2_mode 0 0\n",
		 root);
	put("mounts", mounts);
	assert_int_equal(cpusets_save(&cpusets, place("mounts"), &err), 0);
	assert_int_equal(cpusets.count, 0);
	cpusets_restore(&cpusets);
	assert_int_equal(cpusets_save(&cpusets, "/nowhere", &err), -ENOENT);
	cpusets_restore(&cpusets);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lost_and_given_back, begin),
		cmocka_unit_test_setup(nothing_lost, begin),
		cmocka_unit_test_setup(not_of_version_1, begin),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
