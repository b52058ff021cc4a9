/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of the processor, and of what it does with memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kjump/check/checks.h"
#include "kjump/paths.h"
#include "memory/core.h"
#include "memory/vmcoreinfo.h"
#include "text/cmdline.h"
#include "text/files.h"

#define KVM_TDX "/sys/module/kvm_intel/parameters/tdx"

/* Is WORD in the line of the first CPU? */
static bool has_word(const char *line, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = line; (at = strstr(at, word)); at += length) {
		if (at > line && at[-1] == ' ' && (!at[length] || strchr(" \n", at[length])))
			return true;
	}
	return false;
}

/* The first line that begins with NAME ("flags", "bugs"), from malloc; NULL when there is none. */
static char *read_line(const struct preflight *preflight, const char *name)
{
	char path[CHECK_PATH_SIZE];
	FILE *file = fopen(check_path(preflight, PATH_CPUINFO, path, sizeof(path)), "re");
	char *line = NULL;
	size_t capacity = 0;
	bool found = false;

	if (!file)
		return NULL;
	while (!found && getline(&line, &capacity, file) >= 0)
		found = !strncmp(line, name, strlen(name));
	fclose(file);
	if (found)
		return line;
	free(line);
	return NULL;
}

/*
 * SME has no flag that says it is in use: many kernels switch it on without being told. Returns 0,
 * 1, or PREFLIGHT_UNKNOWN, which NOTE explains, where the processor has it and nobody can see.
 */
static int uses_sme(const struct preflight *preflight, const char *flags, struct error *note)
{
	char path[CHECK_PATH_SIZE];
	struct error cause = { 0 };
	struct core core = { 0 };
	uint64_t mask = 0;
	int ret = core_vmcoreinfo(check_path(preflight, PATH_KCORE, path, sizeof(path)), &core,
				  &cause);

	if (!ret) {
		ret = vmcoreinfo_value(core.vmcoreinfo, "NUMBER(sme_mask)", &mask) && mask;
		core_free(&core);
		return ret;
	}
	if (!has_word(flags, "sme"))
		return 0;
	if (cause.code == EACCES || cause.code == EPERM)
		return check_closed(note, path);
	error_set(note, 0, "whether SME is in use cannot be seen: %.180s", cause.text);
	return PREFLIGHT_UNKNOWN;
}

static bool is_told_to_encrypt(const struct preflight *preflight)
{
	char path[CHECK_PATH_SIZE], cmdline[CMDLINE_READ_SIZE], value[16];
	struct error ignored = { 0 };

	return !file_read(check_path(preflight, PATH_CMDLINE, path, sizeof(path)), cmdline,
			  sizeof(cmdline), &ignored) &&
	       cmdline_value(cmdline, "mem_encrypt", value, sizeof(value)) && !strcmp(value, "on");
}

/*
 * A host of TDX guests: memory that they had must not be read, and on processors with this erratum
 * not even be written in part (the kernel refuses kexec there, from 6.16 on).
 */
static bool hosts_tdx(const struct preflight *preflight, const char *flags)
{
	char path[CHECK_PATH_SIZE], text[16];
	struct error ignored = { 0 };
	char *bugs;
	bool found;

	if (!file_read(check_path(preflight, KVM_TDX, path, sizeof(path)), text, sizeof(text),
		       &ignored) &&
	    *text == 'Y')
		return true;
	bugs = read_line(preflight, "bugs");
	found = bugs && has_word(bugs, "tdx_pw_mce") && has_word(flags, "tdx_host_platform");
	free(bugs);
	return found;
}

/* The keys of encrypted memory change at a power-off, and B could read ciphertext only. */
int check_encrypted_memory(struct preflight *preflight, struct error *note)
{
	char *flags = read_line(preflight, "flags");
	int ret = 0, sme;

	if (!flags)
		return error_set(note, EIO, "%s: no flags of the CPU", PATH_CPUINFO);
	/* On the host itself, `sev` only says that its guests may use it. */
	if (has_word(flags, "tdx_guest") ||
	    (has_word(flags, "sev") && has_word(flags, "hypervisor")))
		ret = error_set(note, EOPNOTSUPP,
				"the memory of this machine is encrypted (SEV or TDX)");
	else if (is_told_to_encrypt(preflight))
		ret = error_set(note, EOPNOTSUPP,
				"the memory of this machine is encrypted (mem_encrypt=on)");
	else if (hosts_tdx(preflight, flags))
		ret = error_set(note, EOPNOTSUPP, "this machine is a host of TDX guests");
	else if ((sme = uses_sme(preflight, flags, note)) == PREFLIGHT_UNKNOWN)
		ret = sme;
	else if (sme)
		ret = error_set(note, EOPNOTSUPP, "the memory of this machine is encrypted (SME)");
	free(flags);
	return ret;
}

/*
 * Kernels that do not set FRED up again when they go on after a jump or a restore ("x86/fred: Fix
 * system hang during S4 resume with FRED enabled": 6.12.31, 6.14.9, 6.15).
 */
static bool loses_fred(const char *release)
{
	unsigned major = 0, minor = 0, patch = 0;

	if (sscanf(release, "%u.%u.%u", &major, &minor, &patch) < 2 || major != 6 || minor > 14)
		return false;
	return !(minor == 12 && patch >= 31) && !(minor == 14 && patch >= 9);
}

int check_fred(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], release[128];
	char *flags = read_line(preflight, "flags");
	int ret = file_read(check_path(preflight, PATH_OSRELEASE, path, sizeof(path)), release,
			    sizeof(release), note);

	if (!ret && flags && has_word(flags, "fred") && loses_fred(release))
		ret = error_set(note, EOPNOTSUPP,
				"kernel %s uses FRED and does not set it up again when it goes on",
				release);
	free(flags);
	return ret;
}
