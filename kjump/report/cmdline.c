/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel command line to be shown. What a parameter is that is not known here, a password maybe,
 * nobody can tell: so it is a list of those that stay.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kjump/report/redact.h"
#include "text/cmdline.h"

#define VALUE_SIZE 6 /* what is shorter, "yes" or "off", is not looked for elsewhere */

static const char *const shown[] = {
	"BOOT_IMAGE",
	"acpi*",
	"amd_iommu",
	"amd_pstate",
	"amdgpu.*",
	"apparmor",
	"apic",
	"audit",
	"boot",
	"clocksource",
	"console",
	"cpuidle.*",
	"crashkernel",
	"cryptdevice",
	"default_hugepagesz",
	"debug",
	"earlycon",
	"earlyprintk",
	"edd",
	"efi",
	"emergency",
	"enforcing",
	"fbcon",
	"fred",
	"hibernate",
	"hpet",
	"hugepages",
	"hugepagesz",
	"i915.*",
	"ibt",
	"idle",
	"init_on_alloc",
	"init_on_free",
	"initrd",
	"intel_idle.*",
	"intel_iommu",
	"intel_pstate",
	"iomem",
	"iommu",
	"iommu.*",
	"isolcpus",
	"kexec_load_disabled",
	"kfence.*",
	"kjump.*",
	"libata.*",
	"lockdown",
	"log_buf_len",
	"loglevel",
	"maxcpus",
	"mce",
	"mem",
	"mem_encrypt",
	"memhp_default_state",
	"memmap",
	"memtest",
	"mitigations",
	"movable_node",
	"no_console_suspend",
	"noapic",
	"nohibernate",
	"nohz_full",
	"nokaslr",
	"nolapic",
	"nomodeset",
	"noresume",
	"nosmt",
	"nosplash",
	"nouveau.*",
	"nowatchdog",
	"nr_cpus",
	"numa",
	"nvidia*",
	"nvme*",
	"oops",
	"page_alloc.*",
	"page_poison",
	"panic",
	"panic_on_warn",
	"pci",
	"pcie_aspm",
	"pcie_ports",
	"pstore.*",
	"pti",
	"quiet",
	"raid",
	"randomize_kstack_offset",
	"rcu_nocbs",
	"rd.kjump",
	"rd.kjump.*",
	"rd.luks.uuid",
	"rd.lvm.lv",
	"rd.lvm.vg",
	"rd.md.uuid",
	"rd.shell",
	"reboot",
	"rescue",
	"reserve_mem",
	"resume_offset",
	"rhgb",
	"ro",
	"rootdelay",
	"rootfstype",
	"rootwait",
	"rw",
	"security",
	"selinux",
	"single",
	"slub_debug",
	"splash",
	"spectre_v2",
	"swiotlb",
	"systemd.unit",
	"thinkpad_acpi.*",
	"transparent_hugepage",
	"tsc",
	"usbcore.*",
	"video",
	"vsyscall",
	"vt.handoff",
	"watchdog",
	"xe.*",
	"zswap.*",
};

/* - and _ are the same to the kernel. */
static bool is_shown(const char *name)
{
	char plain[256];

	snprintf(plain, sizeof(plain), "%s", name);
	for (char *c = plain; *c; c++)
		*c = *c == '-' ? '_' : *c;
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		if (!fnmatch(shown[i], plain, 0))
			return true;
	}
	return false;
}

/* Of these a value stays that begins like a disk's name: "cifs://joe:secret@server" does not. */
static const char *const disks[] = { "root", "resume" };
static const char *const disk_names[] = { "/dev/",	"UUID=",      "PARTUUID=", "LABEL=",
					  "PARTLABEL=", "PARTNROFF=", "zfs:",	   "ZFS=" };

/* Of "rootflags" these mount options stay, with their values. */
static const char *const mount_options[] = {
	"acl",	       "commit",  "compress",  "compress-force", "data",     "degraded", "discard",
	"errors",      "noatime", "nodatacow", "nobarrier",	 "relatime", "ro",	 "rw",
	"space_cache", "ssd",	  "subvol",    "subvolid",	 "logbufs",  "inode64",
};

static bool is_in(const char *text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(list[i], text))
			return true;
	}
	return false;
}

static bool is_disk(const char *value)
{
	for (size_t i = 0; i < sizeof(disk_names) / sizeof(*disk_names); i++) {
		if (!strncmp(value, disk_names[i], strlen(disk_names[i])))
			return true;
	}
	return false;
}

/* What is not told is told nowhere else either. */
static int hide(struct redact *redact, const char *text)
{
	char value[CMDLINE_READ_SIZE];
	size_t length = 0;

	for (; *text; text++) {
		if (*text != '"')
			value[length++] = *text;
	}
	value[length] = '\0';
	return length < VALUE_SIZE ? 0 : redact_learn(redact, REDACT_VALUE, value);
}

/* "subvol=@,username=joe" */
static int put_mount_options(struct redact *redact, char *options, FILE *out)
{
	const char *comma = "";
	char *option;
	int rc = 0;

	fputs("rootflags=", out);
	while (!rc && (option = strsep(&options, ","))) {
		char *value = strchr(option, '=');

		if (value)
			*value++ = '\0';
		if (is_in(option, mount_options, sizeof(mount_options) / sizeof(*mount_options))) {
			fprintf(out, "%s%s%s%s", comma, option, value ? "=" : "",
				value ? value : "");
		} else {
			fprintf(out, "%s...", comma);
			rc = hide(redact, value ? value : option);
		}
		comma = ",";
	}
	fputc(' ', out);
	return rc;
}

static int put_word(struct redact *redact, char *word, FILE *out)
{
	char *name = word + (*word == '"');
	char *value = strchr(name, '=');
	int rc;

	if (value)
		*value++ = '\0';
	if (value && !strcmp(name, "rootflags"))
		return put_mount_options(redact, value, out);
	if (is_shown(name) ||
	    (value && is_in(name, disks, sizeof(disks) / sizeof(*disks)) && is_disk(value))) {
		fprintf(out, "%s%s%s ", name, value ? "=" : "", value ? value : "");
		return 0;
	}
	rc = hide(redact, value ? value : name);
	if (value)
		fprintf(out, "%s=... ", name);
	else
		fputs("... ", out);
	return rc;
}

char *redact_cmdline(struct redact *redact, const char *cmdline)
{
	char word[CMDLINE_READ_SIZE], *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc = out ? 0 : -ENOMEM;

	while (!rc && cmdline_next(&cmdline, word, sizeof(word)))
		rc = put_word(redact, word, out);
	if (out && fclose(out))
		rc = -ENOMEM;
	if (!rc)
		return text;
	free(text);
	return NULL;
}
