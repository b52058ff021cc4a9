/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must be in order before anything is touched.
 */
#include "kjump/preflight.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jump/jump.h"
#include "kjump/cmdline.h"
#include "kjump/device.h"
#include "kjump/files.h"
#include "kjump/paths.h"

static int check_jump(struct preflight *preflight, struct error *err)
{
	(void)preflight;
	return jump_supported(err);
}

static int check_target(struct preflight *preflight, struct error *err)
{
	int ret;

	if (!*preflight->target)
		return error_set(err, EINVAL, "no target: name one with --target or in %s",
				 PATH_CONFIG);
	/* For writing, which a device in use refuses. */
	ret = device_open(preflight->target, DISK_WRITE, &preflight->disk, &preflight->super, err);
	if (!ret)
		disk_close(&preflight->disk);
	return ret;
}

static int check_cpu0(struct preflight *preflight, struct error *err)
{
	struct error absent = { 0 };
	char online[16];

	(void)preflight;
	/* No such file: a CPU that cannot be switched off. */
	if (!file_read(PATH_CPU0_ONLINE, online, sizeof(online), &absent) && *online == '0')
		return error_set(err, EBUSY, "CPU 0 is offline; the jump needs it");
	return 0;
}

/* Its memory is gone after a power-off, and the kernel's jump does not ask it. */
static int check_virtio_mem(struct preflight *preflight, struct error *err)
{
	DIR *directory = opendir(PATH_VIRTIO_MEM);
	const struct dirent *entry;
	bool found = false;

	(void)preflight;
	if (!directory)
		return 0;
	while (!found && (entry = readdir(directory)))
		found = !strncmp(entry->d_name, "virtio", 6);
	closedir(directory);
	return found ? error_set(err, EOPNOTSUPP, "this machine has virtio-mem memory") : 0;
}

/* Is WORD among the flags of the first CPU? */
static bool cpu_has(const char *flags, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = flags; (at = strstr(at, word)); at += length) {
		if (at > flags && at[-1] == ' ' && (!at[length] || strchr(" \n", at[length])))
			return true;
	}
	return false;
}

static char *read_cpu_flags(void)
{
	FILE *file = fopen(PATH_CPUINFO, "re");
	char *line = NULL;
	size_t capacity = 0;
	bool found = false;

	if (!file)
		return NULL;
	while (!found && getline(&line, &capacity, file) >= 0)
		found = !strncmp(line, "flags", 5);
	fclose(file);
	if (found)
		return line;
	free(line);
	return NULL;
}

/* The keys of encrypted memory change at a power-off, and B could read ciphertext only. */
static int check_encryption(struct preflight *preflight, struct error *err)
{
	char cmdline[CMDLINE_READ_SIZE], value[16];
	char *flags = read_cpu_flags();
	int ret = 0;

	(void)preflight;
	if (!flags)
		return error_set(err, EIO, "%s: no flags of the CPU", PATH_CPUINFO);
	/* On the host itself, `sev` only says that its guests may use it. */
	if (cpu_has(flags, "tdx_guest") || (cpu_has(flags, "sev") && cpu_has(flags, "hypervisor")))
		ret = error_set(err, EOPNOTSUPP,
				"the memory of this machine is encrypted (SEV or "
				"TDX)");
	else if (!(ret = file_read(PATH_CMDLINE, cmdline, sizeof(cmdline), err)) &&
		 cmdline_value(cmdline, "mem_encrypt", value, sizeof(value)) &&
		 !strcmp(value, "on"))
		ret = error_set(err, EOPNOTSUPP,
				"the memory of this machine is encrypted "
				"(mem_encrypt=on)");
	free(flags);
	return ret;
}

const struct preflight_check preflight_checks[] = {
	{ "kernel can jump", check_jump },     { "CPU 0 is online", check_cpu0 },
	{ "no virtio-mem", check_virtio_mem }, { "no encrypted memory", check_encryption },
	{ "target is ready", check_target },   { NULL, NULL },
};

int preflight_run(struct preflight *preflight, struct error *err)
{
	int ret = 0;

	for (const struct preflight_check *check = preflight_checks; !ret && check->name; check++)
		ret = check->run(preflight, err);
	return ret;
}
