/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CPUs of threads: those of a child of the test's own, and masks of large machines. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kjump/save/affinity.h"
#include "tests/unit/fake-sys.h"

static const struct affinity_thread *find(const struct affinity *affinity, pid_t tid)
{
	for (size_t i = 0; i < affinity->count; i++) {
		if (affinity->threads[i].tid == tid)
			return &affinity->threads[i];
	}
	return NULL;
}

static void set_cpu(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	assert_int_equal(sched_setaffinity(pid, sizeof(set), &set), 0);
}

/* First and last CPU that this process may run on. */
static void ends(int *first, int *last)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (*first = 0; !CPU_ISSET(*first, &set);)
		++*first;
	for (*last = CPU_SETSIZE - 1; !CPU_ISSET(*last, &set);)
		--*last;
}

static void test_child(void **state)
{
	struct affinity affinity;
	struct error err;
	cpu_set_t set;
	int first, last;
	pid_t child;

	(void)state;
	ends(&first, &last);
	if (first == last)
		skip(); /* this machine has nothing to choose from */
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	set_cpu(child, last);
	assert_int_equal(affinity_save(&affinity, "/proc", &err), 0);
	assert_non_null(find(&affinity, child));
	assert_non_null(find(&affinity, getpid()));
	set_cpu(child, first);
	affinity_restore(&affinity, "/proc");
	assert_int_equal(affinity.count, 0);
	assert_int_equal(sched_getaffinity(child, sizeof(set), &set), 0);
	assert_true(CPU_ISSET(last, &set) && CPU_COUNT(&set) == 1);
	/* One that is gone by then is nothing to speak of. */
	assert_int_equal(affinity_save(&affinity, "/proc", &err), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	affinity_restore(&affinity, "/proc");
}

static char root[FAKE_SYS_PATH];

#define place(name) fake_sys_place(root, name)
static void put(const char *name, const char *text)
{
	fake_sys_file(root, text, "%s", name);
}

static void test_which(void **state)
{
	struct affinity affinity;
	struct error err;

	(void)state;
	fake_sys_make(root);
	put("7/task/7/stat", "7 (a) b) S 1 7 7 0 -1 4194560 1 0");
	put("7/task/7/status",
	    "Name:\ta) b\nCpus_allowed:\t80,00000001\nCpus_allowed_list:\t0,39\n");
	put("7/task/8/stat", "8 (thread) S 1 7 7 0 -1 4194560 1 0");
	put("7/task/8/status", "Name:\tx\nCpus_allowed:\t2\n");
	/* The kernel's own, bound to their CPUs, and one that may be moved. */
	put("9/task/9/stat", "9 (cpuhp/1) S 2 0 0 0 -1 69238848 0 0");
	put("9/task/9/status", "Name:\tcpuhp/1\nCpus_allowed:\t2\n");
	put("10/task/10/stat", "10 (kswapd0) S 2 0 0 0 -1 2238528 0 0");
	put("10/task/10/status", "Name:\tkswapd0\nCpus_allowed:\t3\n");
	/* Went away in between; cut short. */
	put("11/task/11/stat", "11 (gone) S 1 7 7 0 -1 4194560 1 0");
	put("12/task/12/stat", "12 (short) S 1");
	put("12/task/12/status", "Cpus_allowed:\t3\n");
	put("uptime", "1 1\n");
	assert_int_equal(affinity_save(&affinity, root, &err), 0);
	assert_int_equal(affinity.count, 3);
	assert_string_equal(find(&affinity, 7)->cpus, "80,00000001");
	assert_string_equal(find(&affinity, 8)->cpus, "2");
	assert_string_equal(find(&affinity, 10)->cpus, "3");
	affinity_restore(&affinity, root); /* all as it was: nobody is touched */
	assert_int_equal(affinity_save(&affinity, "/nowhere", &err), -ENOENT);
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
		cmocka_unit_test(test_child),
		cmocka_unit_test(test_which),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
