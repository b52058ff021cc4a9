/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs the payload may use. */
#include "temp-file.h"

#include <stdio.h>

#include "restore/helpers.h"

#define TCG "TCGTCGTCGTCG"

/* A processor as the kernel lists it (arch/x86/kernel/cpu/proc.c), shortened. */
#define CPU(number, apic, initial)                                                                 \
	"processor\t: " number "\nvendor_id\t: AuthenticAMD\ncore id\t\t: 0\ncpu cores\t: 2\n"     \
	"apicid\t\t: " apic "\ninitial apicid\t: " initial "\nflags\t\t: fpu apic x2apic\n\n"

static void find(const char *text, const char *hypervisor, uint32_t limit, struct helpers *ret)
{
	char path[TEMP_FILE_PATH];

	temp_file(path, text);
	helpers_find(path, hypervisor, limit, ret);
	unlink(path);
}

static void all_of_them(void **state)
{
	static const char *const places[] = { "", "KVMKVMKVM", TCG };
	struct helpers helpers;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		find(CPU("0", "0", "7") CPU("1", "2", "9") CPU("2", "300", "9"), places[i], 0,
		     &helpers);
		assert_int_equal(helpers.count, 3);
		assert_int_equal(helpers.apic_ids[0], 0);
		assert_int_equal(helpers.apic_ids[1], 2);
		assert_int_equal(helpers.apic_ids[2], 300);
		assert_string_equal(helpers.why, "");
	}
}

/* As many as there are stacks for, or as somebody wants. */
static void limits(void **state)
{
	static char text[40000];
	struct helpers helpers;
	size_t length = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   "processor\t: %u\napicid\t\t: %u\n", i, 2 * i);
	find(text, "", 0, &helpers);
	assert_int_equal(helpers.count, PAYLOAD_HELPERS + 1);
	assert_int_equal(helpers.apic_ids[PAYLOAD_HELPERS], 2 * PAYLOAD_HELPERS);
	find(text, "", UINT32_MAX, &helpers);
	assert_int_equal(helpers.count, PAYLOAD_HELPERS + 1);
	find(text, "", 2, &helpers);
	assert_int_equal(helpers.count, 2);
	find(text, "", 1, &helpers);
	assert_int_equal(helpers.count, 0);
	assert_string_equal(helpers.why, "as rd.kjump.cpus=1 asks");
}

/* One CPU, and why. */
static void alone(void **state)
{
	static const struct {
		const char *text, *hypervisor, *why;
	} cases[] = {
		{ CPU("0", "0", "0"), "", "there is no other" },
		{ CPU("0", "0", "0") CPU("1", "0", "1"), "", "there is no other" },
		{ "", "", "no APIC IDs in /tmp/kjump" },
		{ "processor\t: 0\n\nprocessor\t: 1\n", "", "no APIC IDs in /tmp/kjump" },
		{ CPU("0", "0", "0") CPU("1", "1", "1"), "XenVMMXenVMM",
		  "how hypervisor \"XenVMMXenVMM\" starts others is not known" },
		{ CPU("0", "0", "0") CPU("1", "1", "1"), "Microsoft Hv",
		  "how hypervisor \"Microsoft Hv\" starts others is not known" },
		{ CPU("0", "0", "0") CPU("1", "1", "1"), "nameless",
		  "how hypervisor \"nameless\" starts others is not known" },
	};
	struct helpers helpers;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		find(cases[i].text, cases[i].hypervisor, 0, &helpers);
		assert_int_equal(helpers.count, 0);
		assert_memory_equal(helpers.why, cases[i].why, strlen(cases[i].why));
	}
	helpers_find("/tmp/kjump-no-such-file", "", 0, &helpers);
	assert_int_equal(helpers.count, 0);
	assert_string_equal(helpers.why, "/tmp/kjump-no-such-file: No such file or directory");
}

/* What is no number calls nobody. */
static void wrong_numbers(void **state)
{
	static const char *const wrong[] = {
		"", "x", "-1", "+1", "1x", "4294967295", "99999999999999999999999", "0x1"
	};
	struct helpers helpers;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "apicid\t\t: 0\napicid\t\t: %s\ninitial apicid\t: 5\napicids\t: 6\napicid "
			 "7\n",
			 wrong[i]);
		find(text, "", 0, &helpers);
		assert_int_equal(helpers.count, 0);
	}
	/* The last line may end with the file. */
	find("apicid\t\t: 0\napicid\t\t: 4294967294", "", 0, &helpers);
	assert_int_equal(helpers.count, 2);
	assert_int_equal(helpers.apic_ids[1], 4294967294);
}

static void own_hypervisor(void **state)
{
	char name[13];

	(void)state;
	memset(name, 'x', sizeof(name));
	helpers_hypervisor(name);
	assert_true(memchr(name, '\0', sizeof(name)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_them),	  cmocka_unit_test(limits),
		cmocka_unit_test(alone),	  cmocka_unit_test(wrong_numbers),
		cmocka_unit_test(own_hypervisor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
