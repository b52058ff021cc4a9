/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processor and firmware of the running machine. */
#include "memory/platform.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/abi.h"
#include "memory/efi-map.h"
#include "text/files.h"

/* Of syslog(2); glibc has no names for them. */
#define SYSLOG_ACTION_READ_ALL	  3
#define SYSLOG_ACTION_SIZE_BUFFER 10

#define CPUID_OSXSAVE (1u << 27) /* leaf 1 ECX */
#define CPUID_APIC    (1u << 9)	 /* leaf 1 EDX */
#define CPUID_OSPKE   (1u << 4)	 /* leaf 7 ECX */
#define CPUID_IBT     (1u << 20) /* leaf 7 EDX */

/* All words of enum cpuid_word; leaves that the processor does not have read as 0. */
static void read_cpuid(struct platform *ret)
{
	uint32_t *words = ret->cpuid;
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d)) {
		words[CPUID_1_ECX] = c & ~CPUID_OSXSAVE;
		words[CPUID_1_EDX] = d & ~CPUID_APIC;
		if (c & CPUID_OSXSAVE) {
			uint32_t low, high;

			__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
			ret->xcr0 = (uint64_t)high << 32 | low;
		}
	}
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
		words[CPUID_7_0_EBX] = b;
		words[CPUID_7_0_ECX] = c & ~CPUID_OSPKE;
		words[CPUID_7_0_EDX] = d;
		if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
			words[CPUID_7_1_EAX] = a;
			words[CPUID_7_1_EDX] = d;
		}
	}
	if (__get_cpuid_count(0xd, 0, &a, &b, &c, &d))
		words[CPUID_D_0_EAX] = a;
	if (__get_cpuid_count(0xd, 1, &a, &b, &c, &d))
		words[CPUID_D_1_EAX] = a;
	if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
		words[CPUID_80000001_ECX] = c;
		words[CPUID_80000001_EDX] = d;
	}
	if (__get_cpuid(0x80000007, &a, &b, &c, &d))
		words[CPUID_80000007_EDX] = d;
	if (__get_cpuid(0x80000008, &a, &b, &c, &d))
		words[CPUID_80000008_EBX] = b;
	if (__get_cpuid(0x80000021, &a, &b, &c, &d))
		words[CPUID_80000021_EAX] = a;
}

static void read_cpu(struct platform *ret)
{
	unsigned a, b, c, d;

	if (__get_cpuid(0, &a, &b, &c, &d)) {
		memcpy(ret->cpu_vendor, &b, 4);
		memcpy(ret->cpu_vendor + 4, &d, 4);
		memcpy(ret->cpu_vendor + 8, &c, 4);
	}
	if (__get_cpuid(1, &a, &b, &c, &d))
		ret->cpu_signature = a;
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
		if (c & (1u << 16))
			ret->cpu_capabilities |= CPU_FEATURE_LA57;
		if ((c & (1u << 7)) || (d & CPUID_IBT))
			ret->cpu_capabilities |= CPU_FEATURE_CET;
		if (d & CPUID_IBT)
			ret->cpu_capabilities |= CPU_FEATURE_IBT;
	}
	if (__get_cpuid(0x80000001, &a, &b, &c, &d) && (d & (1u << 20)))
		ret->cpu_capabilities |= CPU_FEATURE_NX;
	read_cpuid(ret);
}

static uint64_t feature_of_flag(const char *flag)
{
	if (!strcmp(flag, "la57"))
		return CPU_FEATURE_LA57;
	if (!strcmp(flag, "nx"))
		return CPU_FEATURE_NX;
	/* Not there with ibt=off, nor in a kernel without CONFIG_X86_KERNEL_IBT. */
	if (!strcmp(flag, "ibt"))
		return CPU_FEATURE_CET | CPU_FEATURE_IBT;
	if (!strcmp(flag, "shstk") || !strcmp(flag, "user_shstk"))
		return CPU_FEATURE_CET;
	return 0;
}

/* The first "flags" line of a /proc/cpuinfo listing, from getline(). */
static int flags_line(const char *path, char **ret, struct error *err)
{
	FILE *file = fopen(path, "re");
	size_t capacity = 0;

	if (!file)
		return error_errno(err, "%s", path);
	*ret = NULL;
	while (getline(ret, &capacity, file) > 0) {
		if (!strncmp(*ret, "flags\t", 6) || !strncmp(*ret, "flags:", 6)) {
			fclose(file);
			return 0;
		}
	}
	fclose(file);
	free(*ret);
	return error_set(err, ENODATA, "%s: no CPU flags in it", path);
}

int platform_cpu_features(const char *path, uint64_t *ret, struct error *err)
{
	char *line, *word, *rest;
	int rc = flags_line(path, &line, err);

	if (rc)
		return rc;
	*ret = 0;
	for (word = strtok_r(line, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest))
		*ret |= feature_of_flag(word);
	free(line);
	return 0;
}

/* arch/x86/mm/mem_encrypt.c, print_mem_encrypt_feature_info(), in all versions. */
#define ENCRYPTION_LINE "Memory Encryption Features active:"

int platform_encryption(const char *cpuinfo, const char *log, char *ret, size_t size,
			struct error *err)
{
	bool guest = false, sev = false, tdx = false;
	char *line, *word, *rest;
	int rc = flags_line(cpuinfo, &line, err);

	if (rc)
		return rc;
	for (word = strtok_r(line, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest)) {
		guest |= !strcmp(word, "hypervisor");
		sev |= !strcmp(word, "sev"); /* on the host: its guests may use it */
		tdx |= !strcmp(word, "tdx_guest");
	}
	free(line);
	*ret = '\0';
	log = strstr(log, ENCRYPTION_LINE);
	if (log) {
		log += strlen(ENCRYPTION_LINE);
		log += strspn(log, " ");
		snprintf(ret, size, "%.*s", (int)strcspn(log, "\n"), log);
	}
	if (!*ret && (tdx || (sev && guest)))
		snprintf(ret, size, "%s", tdx ? "Intel TDX" : "AMD SEV");
	return 0;
}

/* The kernel's log up to now; empty when it is not to be had. */
static char *kernel_log(void)
{
	int size = klogctl(SYSLOG_ACTION_SIZE_BUFFER, NULL, 0);
	char *log = size > 0 ? malloc((size_t)size + 1) : NULL;
	int n = log ? klogctl(SYSLOG_ACTION_READ_ALL, log, size) : -1;

	if (n < 0) {
		free(log);
		return strdup("");
	}
	log[n] = '\0';
	return log;
}

static int read_encryption(struct platform *ret, struct error *err)
{
	char *log = kernel_log();
	int rc = log ? platform_encryption("/proc/cpuinfo", log, ret->encrypted,
					   sizeof(ret->encrypted), err)
		     : error_set(err, ENOMEM, "kernel log: not enough memory");

	free(log);
	return rc;
}

int platform_facs_signature(const char *path, uint32_t *ret, struct error *err)
{
	struct {
		char signature[4];
		uint32_t length;
		uint32_t hardware;
	} facs;
	ssize_t n = file_read_bytes(path, &facs, sizeof(facs));

	*ret = 0;
	if (n == -ENOENT)
		return 0;
	if (n < 0) {
		errno = (int)-n;
		return error_errno(err, "%s", path);
	}
	if (n == (ssize_t)sizeof(facs) && !memcmp(facs.signature, "FACS", 4))
		*ret = facs.hardware;
	return 0;
}

/* Add entry NUMBER of the runtime map to the digest. Returns 1, 0 when there is no such entry. */
static int digest_entry(XXH3_state_t *state, const char *directory, unsigned number,
			struct error *err)
{
	struct efi_texts texts;
	int rc = efi_map_texts(directory, number, &texts, err);

	if (rc == 1 && efi_map_stays(strtoul(texts.of[0], NULL, 0)))
		for (size_t i = 0; i < EFI_TEXTS; i++)
			XXH3_64bits_update(state, texts.of[i], strlen(texts.of[i]));
	return rc;
}

int platform_efi_digest(const char *directory, uint64_t *ret, struct error *err)
{
	XXH3_state_t *state = XXH3_createState();
	unsigned count = 0;
	int rc;

	*ret = 0;
	if (!state)
		return error_set(err, ENOMEM, "%s: not enough memory", directory);
	XXH3_64bits_reset(state);
	while ((rc = digest_entry(state, directory, count, err)) == 1)
		count++;
	if (!rc && count)
		*ret = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return rc;
}

int platform_read(struct platform *ret, struct error *err)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	read_cpu(ret);
	rc = platform_cpu_features("/proc/cpuinfo", &ret->cpu_features, err);
	if (!rc)
		rc = read_encryption(ret, err);
	if (!rc)
		rc = platform_facs_signature("/sys/firmware/acpi/tables/FACS", &ret->facs_signature,
					     err);
	if (!rc)
		rc = platform_efi_digest("/sys/firmware/efi/runtime-map", &ret->efi_runtime_digest,
					 err);
	return rc;
}

int platform_describe(struct handoff *ret, struct error *err)
{
	struct platform platform = { 0 };
	int rc = platform_read(&platform, err);

	if (rc)
		return rc;
	memcpy(ret->cpu_vendor, platform.cpu_vendor, sizeof(ret->cpu_vendor));
	ret->cpu_signature = platform.cpu_signature;
	ret->cpu_features = platform.cpu_features;
	ret->xcr0 = platform.xcr0;
	memcpy(ret->cpuid, platform.cpuid, sizeof(ret->cpuid));
	ret->facs_signature = platform.facs_signature;
	ret->efi_runtime_digest = platform.efi_runtime_digest;
	ret->level5 = !!(platform.cpu_features & CPU_FEATURE_LA57);
	return 0;
}
