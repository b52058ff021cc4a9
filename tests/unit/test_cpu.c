/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processors a saved kernel may go on on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "restore/cpu.h"

#define BIT(n) (UINT32_C(1) << (n))

/* Enough of a processor of 2018. */
static const struct platform host = {
	.cpu_vendor = "GenuineIntel",
	.cpu_signature = 0x000906ea,
	.cpu_features = CPU_FEATURE_NX,
	.cpu_capabilities = CPU_FEATURE_NX,
	.cpuid = {
		[CPUID_1_ECX] = 0x77fafbff & ~BIT(27), /* all up to RDRAND, x2APIC too */
		[CPUID_1_EDX] = 0xbfebfbff & ~BIT(9),
		[CPUID_7_0_EBX] = 0x029c6fbf,
		[CPUID_7_0_ECX] = 0x40000000 | BIT(2),
		[CPUID_7_0_EDX] = 0x9c002600,
		[CPUID_D_1_EAX] = 0xf,
		[CPUID_80000001_ECX] = 0x121,
		[CPUID_80000001_EDX] = 0x2c100800,
		[CPUID_D_0_EAX] = 0x1f,
	},
};

/* What A records on that machine. */
static struct image_machine saved_on(const struct platform *platform)
{
	struct image_machine ret = { .cpu_signature = platform->cpu_signature,
				     .cpu_features = platform->cpu_features,
				     .cr4 = 0x3726e0, /* without VMXE */
				     .xcr0 = 0x1f };

	memcpy(ret.cpu_vendor, platform->cpu_vendor, sizeof(ret.cpu_vendor));
	memcpy(ret.cpuid, platform->cpuid, sizeof(ret.cpuid));
	return ret;
}

static void expect(const struct image_machine *was, const struct platform *is, const char *text)
{
	struct error err = { 0 };
	int rc = cpu_check(was, is, &err);

	if (rc != (text ? -ENODEV : 0))
		fail_msg("%d: %s", rc, err.text);
	if (text && !strstr(err.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, err.text);
}

static void same(void **state)
{
	struct image_machine was = saved_on(&host);

	(void)state;
	expect(&was, &host, NULL);
	/* Nothing is known of control registers and features: a kernel B loaded by hand. */
	was.cr4 = was.xcr0 = 0;
	memset(was.cpuid, 0, sizeof(was.cpuid));
	expect(&was, &host, NULL);
	was.cpu_signature = 0x000806ea;
	expect(&was, &host, "CPU model differs: was 0x8e, is 0x9e, and what");
}

static void models(void **state)
{
	struct image_machine was = saved_on(&host);
	struct platform is = host;

	(void)state;
	is.cpu_signature = 0x000806ea; /* a warning */
	expect(&was, &is, NULL);
	is.cpuid[CPUID_7_0_EBX] |= BIT(16); /* which can more */
	expect(&was, &is, NULL);
	is.cpuid[CPUID_7_0_EBX] &= ~(BIT(5) | BIT(8));
	expect(&was, &is, "this CPU lacks what the saved kernel's had: avx2 bmi2");
	is = host;
	was.cpuid[CPUID_7_1_EDX] |= BIT(5) | BIT(18);
	was.cpuid[CPUID_80000007_EDX] |= BIT(8) | BIT(1);
	is.cpuid[CPUID_7_1_EDX] &= ~(BIT(5) | BIT(18));
	is.cpuid[CPUID_80000007_EDX] &= ~(BIT(8) | BIT(1));
	expect(&was, &is, "had: avx_ne_convert invariant_tsc");
	was = saved_on(&host);
	was.cpu_signature = 0x000806ea;
	is.cpuid[CPUID_1_EDX] &= ~BIT(15); /* CMOV has no name here */
	expect(&was, &is, "lacks what the saved kernel's had: cpuid[1].15");
	/* Everything at once is cut off, and says so with its first words. */
	memset(is.cpuid, 0, sizeof(is.cpuid));
	expect(&was, &is, "had: pni pclmulqdq vmx");
}

/* Bits that differ from boot to boot of one machine are no reason. */
static void settings(void **state)
{
	static const struct {
		unsigned word, bit;
	} cases[] = {
		{ CPUID_1_ECX, 3 },	    /* MONITOR */
		{ CPUID_1_ECX, 31 },	    /* another host */
		{ CPUID_7_0_EBX, 4 },	    /* HLE and */
		{ CPUID_7_0_EBX, 11 },	    /* RTM, by tsx= and microcode */
		{ CPUID_7_0_EBX, 2 },	    /* SGX */
		{ CPUID_7_0_EDX, 10 },	    /* MD_CLEAR, */
		{ CPUID_7_0_EDX, 26 },	    /* SPEC_CTRL by microcode */
		{ CPUID_80000008_EBX, 12 }, /* IBPB */
		{ CPUID_80000021_EAX, 2 },  { CPUID_80000001_ECX, 23 }, /* counters */
		{ CPUID_80000001_ECX, 1 },				/* CmpLegacy, and */
		{ CPUID_1_EDX, 28 }, /* HTT: how many CPUs there are */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image_machine was = saved_on(&host);
		struct platform is = host;

		was.cpuid[cases[i].word] |= BIT(cases[i].bit);
		is.cpuid[cases[i].word] &= ~BIT(cases[i].bit);
		expect(&was, &is, NULL);
	}
}

static void control_registers(void **state)
{
	struct image_machine was = saved_on(&host);
	struct platform is = host;

	(void)state;
	/* A bit that came without a feature bit in the record, as from an older kernel. */
	was.cr4 |= UINT64_C(1) << 32;
	expect(&was, &is, "bit 32 of CR4 set (FRED), which this CPU does not allow");
	is.cpuid[CPUID_7_1_EAX] |= BIT(17);
	expect(&was, &is, NULL);
	was.cr4 |= UINT64_C(1) << 23;
	expect(&was, &is, "bit 23 of CR4 set (CET)");
	is.cpuid[CPUID_7_0_ECX] |= BIT(7);
	expect(&was, &is, NULL);
	is.cpuid[CPUID_7_0_ECX] &= ~BIT(7);
	is.cpuid[CPUID_7_0_EDX] |= BIT(20);
	expect(&was, &is, NULL);
	was.cr4 |= UINT64_C(1) << 40; /* of the future */
	expect(&was, &is, NULL);
	is.cpu_signature = 0x000806ea;
	expect(&was, &is, "bit 40 of CR4 set (unknown)");

	was = saved_on(&host);
	is = host;
	was.xcr0 = 0xe7; /* AVX-512 */
	expect(&was, &is, "components 0xe0 of XCR0");
	is.cpuid[CPUID_D_0_EAX] |= 0xe0;
	expect(&was, &is, NULL);
}

/* Every bit of CR4 that A's kernel has set is one that its own processor allows. */
static void bits_of_cr4(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 29; bit++) {
		struct image_machine was = saved_on(&host);
		struct platform is = host;
		struct error err = { 0 };

		if (bit == 8 || bit == 15 || bit == 26 || bit == 27) /* always, or not defined */
			continue;
		memset(is.cpuid, 0xff, sizeof(is.cpuid));
		memset(was.cpuid, 0, sizeof(was.cpuid));
		was.cpuid[CPUID_D_1_EAX] = 1; /* not all zero */
		was.cr4 = UINT64_C(1) << bit;
		assert_int_equal(cpu_check(&was, &is, &err), 0);
		memset(is.cpuid, 0, sizeof(is.cpuid));
		is.cpuid[CPUID_D_1_EAX] = 1;
		is.cpuid[CPUID_D_0_EAX] = 0x1f;
		assert_int_equal(cpu_check(&was, &is, &err), -ENODEV);
		assert_non_null(strstr(err.text, "of CR4 set"));
	}
}

static void modes(void **state)
{
	struct image_machine was = saved_on(&host);
	struct platform is = host;

	(void)state;
	/* No parameter gives a CPU what it lacks. */
	is.cpu_features &= ~(uint64_t)CPU_FEATURE_LA57;
	was.cpu_features |= CPU_FEATURE_LA57;
	is.cpu_capabilities &= ~(uint64_t)CPU_FEATURE_LA57;
	expect(&was, &is, "five levels of page tables (LA57), which this CPU lacks");
	is.cpu_capabilities |= CPU_FEATURE_LA57;
	expect(&was, &is, "boot without no5lvl");
	was.cpu_features &= ~(uint64_t)CPU_FEATURE_LA57;
	is.cpu_features |= CPU_FEATURE_LA57;
	expect(&was, &is, "boot with no5lvl");
	was = saved_on(&host);
	is = host;

	was.cpu_features |= CPU_FEATURE_X2APIC;
	expect(&was, &is, NULL);
	is.cpuid[CPUID_1_ECX] &= ~BIT(21);
	expect(&was, &is, "x2APIC");
	was.cpu_features &= ~(uint64_t)CPU_FEATURE_X2APIC;
	expect(&was, &is, NULL);
	was.cpu_features |= CPU_FEATURE_CET | CPU_FEATURE_IBT;
	is.cpu_capabilities |= CPU_FEATURE_CET;
	expect(&was, &is, "used IBT");
	is.cpu_capabilities = CPU_FEATURE_NX | CPU_FEATURE_IBT;
	expect(&was, &is, "used CET");
	is.cpu_capabilities |= CPU_FEATURE_CET;
	expect(&was, &is, NULL);
}

/* This processor agrees with itself. */
static void here(void **state)
{
	struct platform platform;
	struct image_machine machine;
	struct error err = { 0 };

	(void)state;
	if (platform_read(&platform, &err))
		skip();
	machine = saved_on(&platform);
	machine.cr4 = 0x6b0;
	machine.xcr0 = platform.xcr0;
	expect(&machine, &platform, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same),	       cmocka_unit_test(models),
		cmocka_unit_test(settings),    cmocka_unit_test(control_registers),
		cmocka_unit_test(bits_of_cr4), cmocka_unit_test(modes),
		cmocka_unit_test(here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
