/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/cpu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/safe.h"

#define BIT(n) (UINT32_C(1) << (n))

/* --- identity ------------------------------------------------------------------------------- */

/* Family and model of CPUID leaf 1 EAX, the extended fields included. */
static uint32_t family_of(uint32_t signature)
{
	uint32_t family = (signature >> 8) & 0xf;

	return family == 0xf ? family + ((signature >> 20) & 0xff) : family;
}

static uint32_t model_of(uint32_t signature)
{
	return ((signature >> 12) & 0xf0) | ((signature >> 4) & 0xf);
}

static int check_identity(const struct image_machine *machine, const struct platform *here,
			  struct error *err)
{
	uint32_t was = machine->cpu_signature, is = here->cpu_signature;

	if (strncmp(machine->cpu_vendor, here->cpu_vendor, sizeof(machine->cpu_vendor)))
		return error_set(err, ENODEV, "CPU vendor differs: was %.16s, is %.16s",
				 machine->cpu_vendor, here->cpu_vendor);
	if (family_of(was) != family_of(is))
		return error_set(err, ENODEV, "CPU family differs: was %#x, is %#x", family_of(was),
				 family_of(is));
	if (model_of(was) == model_of(is))
		return 0;
	if (safe_is_zero(machine->cpuid, sizeof(machine->cpuid)))
		return error_set(err, ENODEV,
				 "CPU model differs: was %#x, is %#x, and what the saved kernel's "
				 "could do is not known",
				 model_of(was), model_of(is));
	message("warning: CPU model differs: was %#x, is %#x; going on", model_of(was),
		model_of(is));
	return 0;
}

/* --- features ------------------------------------------------------------------------------- */

/*
 * Bits of CPUID that come and go with settings of the firmware, with microcode (A loads its own
 * again), with the host of a virtual machine, or that nobody but tools of measurement uses. All
 * others must be there: a kernel patches its code by them when it boots, and programs choose theirs
 * when they start. (Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E.)
 */
static const uint32_t without[CPUID_WORDS] = {
	/* DTES64, MONITOR, DS-CPL, EST, TM2, CNXT-ID, SDBG, xTPR, PDCM, DCA, x2APIC, HYPERVISOR */
	[CPUID_1_ECX] = BIT(2) | BIT(3) | BIT(4) | BIT(7) | BIT(8) | BIT(10) | BIT(11) | BIT(14) |
			BIT(15) | BIT(18) | BIT(21) | BIT(31),
	/* PSN, DS, ACPI, HTT, TM, PBE */
	[CPUID_1_EDX] = BIT(18) | BIT(21) | BIT(22) | BIT(28) | BIT(29) | BIT(31),
	/* SGX, HLE, FDP_EXCPTN, RTM, RDT-M, RDT-A, PT */
	[CPUID_7_0_EBX] = BIT(2) | BIT(4) | BIT(6) | BIT(11) | BIT(12) | BIT(15) | BIT(25),
	/* TME, SGX_LC */
	[CPUID_7_0_ECX] = BIT(13) | BIT(30),
	/* SRBDS_CTRL, MD_CLEAR, RTM_ALWAYS_ABORT, TSX_FORCE_ABORT, PCONFIG, ARCH_LBR, and from
	 * SPEC_CTRL to SSBD */
	[CPUID_7_0_EDX] = BIT(9) | BIT(10) | BIT(11) | BIT(13) | BIT(18) | BIT(19) | 0xfc000000,
	/* CmpLegacy (more than one core), ExtApicSpace, IBS, OSVW, SKINIT, WDT, NodeId,
	 * TopologyExtensions, performance counters */
	[CPUID_80000001_ECX] = BIT(1) | BIT(3) | BIT(9) | BIT(10) | BIT(12) | BIT(13) | BIT(19) |
			       BIT(22) | BIT(23) | BIT(24) | BIT(26) | BIT(27) | BIT(28),
	/* all but CLZERO, XSaveErPtr, INVLPGB, RDPRU, MCOMMIT, WBNOINVD: mitigations */
	[CPUID_80000008_EBX] = ~(BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(8) | BIT(9)),
	/* all but AutomaticIBRS, which A has in EFER */
	[CPUID_80000021_EAX] = ~BIT(8),
	/* CET_SSS: whether a hypervisor may be trusted with supervisor shadow stacks */
	[CPUID_7_1_EDX] = BIT(18),
	/* all but the invariant time-stamp counter, which A may keep its time by: power and machine
	 * checks */
	[CPUID_80000007_EDX] = ~BIT(8),
};

struct name {
	uint8_t word, bit;
	const char *text;
};

/* As /proc/cpuinfo has them; what is not in here goes by its number. */
static const struct name names[] = {
	{ CPUID_1_ECX, 0, "pni" },
	{ CPUID_1_ECX, 1, "pclmulqdq" },

	{ CPUID_1_ECX, 5, "vmx" },
	{ CPUID_1_ECX, 9, "ssse3" },
	{ CPUID_1_ECX, 12, "fma" },
	{ CPUID_1_ECX, 13, "cx16" },
	{ CPUID_1_ECX, 17, "pcid" },
	{ CPUID_1_ECX, 19, "sse4_1" },
	{ CPUID_1_ECX, 20, "sse4_2" },
	{ CPUID_1_ECX, 22, "movbe" },
	{ CPUID_1_ECX, 23, "popcnt" },
	{ CPUID_1_ECX, 24, "tsc_deadline_timer" },
	{ CPUID_1_ECX, 25, "aes" },
	{ CPUID_1_ECX, 26, "xsave" },
	{ CPUID_1_ECX, 28, "avx" },
	{ CPUID_1_ECX, 29, "f16c" },
	{ CPUID_1_ECX, 30, "rdrand" },
	{ CPUID_7_0_EBX, 0, "fsgsbase" },
	{ CPUID_7_0_EBX, 3, "bmi1" },
	{ CPUID_7_0_EBX, 5, "avx2" },
	{ CPUID_7_0_EBX, 7, "smep" },
	{ CPUID_7_0_EBX, 8, "bmi2" },
	{ CPUID_7_0_EBX, 9, "erms" },
	{ CPUID_7_0_EBX, 10, "invpcid" },
	{ CPUID_7_0_EBX, 16, "avx512f" },
	{ CPUID_7_0_EBX, 18, "rdseed" },
	{ CPUID_7_0_EBX, 19, "adx" },
	{ CPUID_7_0_EBX, 20, "smap" },
	{ CPUID_7_0_EBX, 23, "clflushopt" },
	{ CPUID_7_0_EBX, 24, "clwb" },
	{ CPUID_7_0_EBX, 29, "sha_ni" },
	{ CPUID_7_0_ECX, 2, "umip" },
	{ CPUID_7_0_ECX, 3, "pku" },
	{ CPUID_7_0_ECX, 5, "waitpkg" },
	{ CPUID_7_0_ECX, 7, "shstk" },
	{ CPUID_7_0_ECX, 8, "gfni" },
	{ CPUID_7_0_ECX, 9, "vaes" },
	{ CPUID_7_0_ECX, 10, "vpclmulqdq" },
	{ CPUID_7_0_ECX, 16, "la57" },
	{ CPUID_7_0_ECX, 22, "rdpid" },
	{ CPUID_7_0_EDX, 4, "fsrm" },
	{ CPUID_7_0_EDX, 20, "ibt" },
	{ CPUID_7_1_EAX, 17, "fred" },
	{ CPUID_7_1_EAX, 26, "lam" },
	{ CPUID_7_1_EDX, 4, "avx_vnni_int8" },
	{ CPUID_7_1_EDX, 5, "avx_ne_convert" },
	{ CPUID_7_1_EDX, 10, "avx_vnni_int16" },
	{ CPUID_7_1_EDX, 14, "prefetchi" },
	{ CPUID_7_1_EDX, 19, "avx10" },
	{ CPUID_80000007_EDX, 8, "invariant_tsc" },
	{ CPUID_D_1_EAX, 0, "xsaveopt" },
	{ CPUID_D_1_EAX, 1, "xsavec" },
	{ CPUID_D_1_EAX, 3, "xsaves" },
	{ CPUID_80000001_ECX, 2, "svm" },
	{ CPUID_80000001_EDX, 20, "nx" },
	{ CPUID_80000001_EDX, 26, "pdpe1gb" },
	{ CPUID_80000001_EDX, 27, "rdtscp" },
};

static void append_name(char *text, size_t size, unsigned word, unsigned bit)
{
	size_t used = strlen(text);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].word == word && names[i].bit == bit) {
			snprintf(text + used, size - used, " %s", names[i].text);
			return;
		}
	snprintf(text + used, size - used, " cpuid[%u].%u", word, bit);
}

static int check_features(const struct image_machine *machine, const struct platform *here,
			  struct error *err)
{
	char text[100] = "";

	for (unsigned word = 0; word < CPUID_WORDS; word++) {
		uint32_t lost = machine->cpuid[word] & ~here->cpuid[word] & ~without[word];

		/* The components of XCR0 are looked at by themselves. */
		for (unsigned bit = 0; lost && word != CPUID_D_0_EAX && bit < 32; bit++)
			if (lost & BIT(bit))
				append_name(text, sizeof(text), word, bit);
	}
	return text[0] ? error_set(err, ENODEV, "this CPU lacks what the saved kernel's had:%s",
				   text)
		       : 0;
}

/* --- control registers ---------------------------------------------------------------------- */

#define ALWAYS CPUID_WORDS

/* Bits of CR4 and the feature that allows each (Intel SDM volume 3, 2.5). */
static const struct name cr4_bits[] = {
	{ CPUID_1_EDX, 1, "VME" },
	{ CPUID_1_EDX, 1, "PVI" },
	{ CPUID_1_EDX, 4, "TSD" },
	{ CPUID_1_EDX, 2, "DE" },
	{ CPUID_1_EDX, 3, "PSE" },
	{ CPUID_1_EDX, 6, "PAE" },
	{ CPUID_1_EDX, 7, "MCE" },
	{ CPUID_1_EDX, 13, "PGE" },
	{ ALWAYS, 0, "PCE" },
	{ CPUID_1_EDX, 24, "OSFXSR" },
	{ CPUID_1_EDX, 25, "OSXMMEXCPT" },
	{ CPUID_7_0_ECX, 2, "UMIP" },
	{ CPUID_7_0_ECX, 16, "LA57" },
	{ CPUID_1_ECX, 5, "VMXE" },
	{ CPUID_1_ECX, 6, "SMXE" },
	{ ALWAYS, 0, NULL },
	{ CPUID_7_0_EBX, 0, "FSGSBASE" },
	{ CPUID_1_ECX, 17, "PCIDE" },
	{ CPUID_1_ECX, 26, "OSXSAVE" },
	{ CPUID_7_0_ECX, 23, "KL" },
	{ CPUID_7_0_EBX, 7, "SMEP" },
	{ CPUID_7_0_EBX, 20, "SMAP" },
	{ CPUID_7_0_ECX, 3, "PKE" },
	{ ALWAYS, 0, "CET" },
	{ CPUID_7_0_ECX, 31, "PKS" },
	{ CPUID_7_0_EDX, 5, "UINTR" },
	{ ALWAYS, 0, NULL },
	{ ALWAYS, 0, NULL },
	{ CPUID_7_1_EAX, 26, "LAM_SUP" },
	{ ALWAYS, 0, NULL },
	{ ALWAYS, 0, NULL },
	{ ALWAYS, 0, NULL },
	{ CPUID_7_1_EAX, 17, "FRED" },
};

/* Two features allow CR4.CET. */
static bool allows_cet(const struct platform *here)
{
	return here->cpuid[CPUID_7_0_ECX] & BIT(7) || here->cpuid[CPUID_7_0_EDX] & BIT(20);
}

static bool allows(const struct platform *here, const struct name *bit)
{
	if (!strcmp(bit->text, "CET"))
		return allows_cet(here);
	return bit->word == ALWAYS || here->cpuid[bit->word] & BIT(bit->bit);
}

/* Bits that are not known here are no problem on the same model. */
static int check_cr4(const struct image_machine *machine, const struct platform *here,
		     struct error *err)
{
	bool same = machine->cpu_signature == here->cpu_signature;

	for (unsigned i = 0; i < 64; i++) {
		bool known = i < sizeof(cr4_bits) / sizeof(cr4_bits[0]) && cr4_bits[i].text;

		if (!(machine->cr4 >> i & 1) || (known ? allows(here, &cr4_bits[i]) : same))
			continue;
		return error_set(err, ENODEV,
				 "saved kernel has bit %u of CR4 set (%s), which this CPU does not "
				 "allow",
				 i, known ? cr4_bits[i].text : "unknown");
	}
	return 0;
}

static int check_xcr0(const struct image_machine *machine, const struct platform *here,
		      struct error *err)
{
	uint64_t lost = machine->xcr0 & ~(uint64_t)here->cpuid[CPUID_D_0_EAX];

	return lost ? error_set(err, ENODEV,
				"saved kernel has components %#" PRIx64
				" of XCR0 in use, which this CPU lacks",
				lost)
		    : 0;
}

/* --- modes ---------------------------------------------------------------------------------- */

static int check_modes(const struct image_machine *machine, const struct platform *here,
		       struct error *err)
{
	uint64_t used = machine->cpu_features;

	if ((used & CPU_FEATURE_LA57) && !(here->cpu_capabilities & CPU_FEATURE_LA57))
		return error_set(err, ENODEV,
				 "saved kernel ran with five levels of page tables (LA57), which "
				 "this CPU lacks");
	if ((used ^ here->cpu_features) & CPU_FEATURE_LA57)
		return error_set(err, ENODEV,
				 "saved kernel ran with %s levels of page tables, "
				 "this one does not; boot with%s no5lvl",
				 used & CPU_FEATURE_LA57 ? "five" : "four",
				 used & CPU_FEATURE_LA57 ? "out" : "");
	if ((used & CPU_FEATURE_NX) && !(here->cpu_features & CPU_FEATURE_NX))
		return error_set(err, ENODEV, "saved kernel used NX, which is off here");
	if ((used & CPU_FEATURE_CET) && !(here->cpu_capabilities & CPU_FEATURE_CET))
		return error_set(err, ENODEV, "saved kernel used CET, which this CPU lacks");
	if ((used & CPU_FEATURE_IBT) && !(here->cpu_capabilities & CPU_FEATURE_IBT))
		return error_set(err, ENODEV, "saved kernel used IBT, which this CPU lacks");
	/* The other way round the payload leaves x2APIC mode. */
	if ((used & CPU_FEATURE_X2APIC) && !(here->cpuid[CPUID_1_ECX] & BIT(21)))
		return error_set(err, ENODEV,
				 "saved kernel used the x2APIC mode, which this CPU lacks, or its "
				 "firmware has switched off");
	return 0;
}

int cpu_check(const struct image_machine *machine, const struct platform *here, struct error *err)
{
	int rc = check_identity(machine, here, err);

	if (!rc)
		rc = check_modes(machine, here, err);
	if (!rc)
		rc = check_features(machine, here, err);
	if (!rc)
		rc = check_cr4(machine, here, err);
	return rc ? rc : check_xcr0(machine, here, err);
}
