/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running machine, as far as it must be the same when a saved kernel goes on: processor and
 * firmware. A records it in the handoff area, C compares it with its own.
 */
#ifndef MEMORY_PLATFORM_H
#define MEMORY_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/abi.h"
#include "common/error.h"

struct platform {
	char cpu_vendor[16];	     /* CPUID leaf 0, "GenuineIntel"; NUL-padded */
	uint32_t cpu_signature;	     /* CPUID leaf 1 EAX: family, model, stepping */
	uint32_t facs_signature;     /* ACPI FACS hardware signature; 0 = none */
	uint64_t cpu_features;	     /* CPU_FEATURE_* that the running kernel uses */
	uint64_t cpu_capabilities;   /* CPU_FEATURE_* that the processor has */
	uint64_t efi_runtime_digest; /* of the EFI runtime map; 0 = none */
	uint64_t xcr0;		     /* extended control register 0; 0 = none */
	uint32_t cpuid[CPUID_WORDS]; /* what the processor can do: enum cpuid_word */
	char encrypted[64];	     /* how the memory is encrypted, "AMD SME"; "" = not */
};

/* What MSR IA32_S_CET holds in a kernel that uses these CPU_FEATURE_*. */
static inline uint64_t platform_s_cet(uint64_t features)
{
	return features & CPU_FEATURE_IBT ? S_CET_OF_IBT : 0;
}

/* Fill *RET. Needs /proc and /sys; root where the ACPI tables are to be read. */
int platform_read(struct platform *ret, struct error *err);

/* The same, put where the handoff area has it. */
int platform_describe(struct handoff *ret, struct error *err);

/* The parts, on any path (tests). */

/* CPU_FEATURE_* in the first "flags" line of a /proc/cpuinfo listing. */
int platform_cpu_features(const char *path, uint64_t *ret, struct error *err);

/*
 * How this kernel's memory is encrypted, in words, "" when it is not: a "flags" line of a guest of
 * SEV or TDX at CPUINFO, or what the kernel has said of it in its LOG (SME, which has no flag that
 * tells whether it is in use).
 */
int platform_encryption(const char *cpuinfo, const char *log, char *ret, size_t size,
			struct error *err);

/* Hardware signature of an ACPI FACS; *RET is 0 when the file is not there or is no FACS. */
int platform_facs_signature(const char *path, uint32_t *ret, struct error *err);

/*
 * XXH3 (64 bits) of the texts in DIRECTORY/N/{type,phys_addr,virt_addr,num_pages,attribute} for
 * N = 0, 1, ... (/sys/firmware/efi/runtime-map); *RET is 0 when there is no entry 0.
 */
int platform_efi_digest(const char *directory, uint64_t *ret, struct error *err);

#endif
