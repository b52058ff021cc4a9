/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel command lines, read as next_arg() of the kernel's lib/cmdline.c and parse_args() of
 * kernel/params.c do.
 *
 * B must meet the same hardware as A with the same eyes (interrupt controllers, IOMMU, ACPI, disk
 * drivers), so those words are handed on. Nothing else is: A's root, its memory limits or its
 * ACPI table address would be wrong in B.
 */
#include "text/cmdline.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* No word of a command line is longer than the whole, for which x86 has 2048 bytes. */
#define WORD_SIZE 2048

bool cmdline_next(const char **cursor, char *word, size_t size)
{
	const char *at = *cursor;
	const char *start;
	bool quoted = false;
	size_t length;

	do {
		while (isspace((unsigned char)*at))
			at++;
		start = at;
		for (; *at && (quoted || !isspace((unsigned char)*at)); at++)
			quoted ^= *at == '"';
		length = (size_t)(at - start);
	} while (length >= size);
	if (!length || (length == 2 && !memcmp(start, "--", 2)) ||
	    (length == 4 && !memcmp(start, "\"--\"", 4)))
		return false;
	memcpy(word, start, length);
	word[length] = '\0';
	*cursor = at;
	return true;
}

/* What follows NAME in WORD, which may be quoted as a whole; NULL when it has another name. */
static const char *behind_name(const char *word, const char *name)
{
	word += *word == '"';
	for (; *name; word++, name++) {
		if ((*word == '-' ? '_' : *word) != (*name == '-' ? '_' : *name))
			return NULL;
	}
	return word;
}

/* Quotes only keep blanks together: none of them is part of a value, wherever it stands. */
static bool copy_value(const char *from, char *value, size_t size)
{
	size_t used = 0;

	for (; *from && used < size; from++) {
		if (*from != '"')
			value[used++] = *from;
	}
	if (used == size)
		return false;
	value[used] = '\0';
	return true;
}

bool cmdline_value(const char *cmdline, const char *name, char *value, size_t size)
{
	char word[WORD_SIZE];
	bool found = false;

	while (cmdline_next(&cmdline, word, sizeof(word))) {
		const char *rest = behind_name(word, name);

		if (rest && *rest == '=')
			found = copy_value(rest + 1, value, size);
	}
	return found;
}

bool cmdline_parameter(const char *cmdline, const char *name, char *value, size_t size)
{
	char word[WORD_SIZE];
	bool found = false;

	while (cmdline_next(&cmdline, word, sizeof(word))) {
		const char *rest = behind_name(word, name);

		if (rest && (!*rest || !strcmp(rest, "\"") || *rest == '='))
			found = copy_value(rest + (*rest == '='), value, size);
	}
	return found;
}

bool cmdline_is_no(const char *value)
{
	static const char *const words[] = { "0", "n", "no", "f", "false", "off" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcasecmp(value, words[i]))
			return true;
	}
	return false;
}

bool cmdline_option(const char **cursor, const char *module, char *option, size_t size)
{
	char word[WORD_SIZE];

	while (cmdline_next(cursor, word, sizeof(word))) {
		const char *rest = behind_name(word, module);

		if (rest && *rest == '.' && rest[1] &&
		    (size_t)snprintf(option, size, "%s%s", *word == '"' ? "\"" : "", rest + 1) <
			    size)
			return true;
	}
	return false;
}

/* Is WORD, which may be quoted as a whole, one of LIST or the beginning of one? */
static const char *find_name(const char *word, const char *const *list)
{
	const char *rest = NULL;

	for (; *list && !rest; list++)
		rest = behind_name(word, *list);
	return rest;
}

/*
 * "nvme_core.default_ps_max_latency_us=0" and the like: parameters of drivers that a disk may hang
 * on, of whatever kind. What stands here is the beginning of the module's name.
 */
static bool is_disk_parameter(const char *word)
{
	static const char *const modules[] = {
		/* NVMe, ATA, SCSI and its adapters */
		"nvme", "vmd.", "libata.", "ahci", "libahci", "ata_", "pata_", "sata_", "scsi_",
		"sd_mod.", "mpt", "mpi3mr.", "megaraid", "aacraid.", "hpsa.", "smartpqi.", "aic7",
		"aic9", "arcmsr.", "3w_", "isci.", "mvsas.", "mvumi.", "pm80", "qla2xxx.", "lpfc.",
		"bfa.", "hptiop.", "ips.", "esas2r.", "sym53c8xx.",
		/* USB, cards, UFS */
		"usbcore.", "usb_storage.", "uas.", "xhci_", "ehci_", "ohci_", "uhci_", "mmc_",
		"sdhci", "cqhci.", "rtsx_", "ufs",
		/* virtual machines */
		"virtio_", "vmw_pvscsi.", "hv_", "xen_blkfront.",
		/* the way there */
		"pcie_aspm.", "pciehp.", "iommu.", NULL
	};
	const char *name = word + (*word == '"');

	return name[strcspn(name, ".=")] == '.' && find_name(word, modules);
}

/* What tells a kernel how to meet its interrupt controllers, buses and IOMMU. */
static bool is_handed_on(const char *word)
{
	static const char *const words[] = { "noapic",	       "nolapic",    "nox2apic",
					     "no5lvl",	       "irqpoll",    "irqfixup",
					     "noirqdebug",     "nointremap", "x2apic_phys",
					     "no_timer_check", NULL };
	static const char *const values[] = { "intel_iommu=", "amd_iommu=", "amd_iommu_intr=",
					      "iommu=",	      "intremap=",  "acpi=",
					      "pci=",	      "pcie_aspm=", "pcie_port_pm=",
					      "pcie_ports=",  NULL };
	const char *rest = find_name(word, words);

	return (rest && (!*rest || !strcmp(rest, "\""))) || find_name(word, values) ||
	       is_disk_parameter(word);
}

static bool is_console(const char *word)
{
	return !strncmp(word, "console=", strlen("console="));
}

struct text {
	char *bytes;
	size_t size, used;
	bool full;
};

static void append(struct text *text, const char *words)
{
	size_t length = strlen(words);
	size_t blank = text->used ? 1 : 0;

	if (!length)
		return;
	if (text->full || length + blank >= text->size - text->used) {
		text->full = true;
		return;
	}
	if (blank)
		text->bytes[text->used++] = ' ';
	memcpy(text->bytes + text->used, words, length + 1);
	text->used += length;
}

/* Is a quote open at its end? To the kernel all that follows is in it. */
static bool is_open(const char *words)
{
	bool open = false;

	for (; *words; words++)
		open ^= *words == '"';
	return open;
}

static void append_words(struct text *text, const char *cmdline, bool (*wanted)(const char *))
{
	char word[WORD_SIZE + 1];

	while (cmdline_next(&cmdline, word, WORD_SIZE)) {
		if (!wanted(word))
			continue;
		/* The last word of A's, which would swallow those behind it here. */
		if (is_open(word))
			strcat(word, "\"");
		append(text, word);
	}
}

/* Words that do not keep those behind them from being read. */
static int check_extra(const char *extra, struct error *err)
{
	const char *cursor = extra;
	char word[WORD_SIZE];

	if (is_open(extra))
		return error_set(err, EINVAL, "cmdline: a quote is not closed: %.100s", extra);
	while (cmdline_next(&cursor, word, sizeof(word)))
		;
	if (cursor[strspn(cursor, " \t\n")])
		return error_set(err, EINVAL,
				 "cmdline: \"--\" would hide what kernel B has to read: %.100s",
				 extra);
	return 0;
}

/*
 * Drivers built into kernel B that would act upon memory: a balloon takes B's own as the host bids
 * it, the others add to B what is A's. Modules are no matter, as B loads none but those of its
 * initramfs. Names of init functions, which initcall_blacklist= wants.
 */
static const char *const forbidden[] = {
	"virtio_balloon_driver_init",
	"virtio_mem_driver_init",
	"init_balloon_drv", /* Hyper-V */
	"vmballoon_init",   /* VMware */
	"balloon_init",	    /* Xen */
	"dax_kmem_init",
	"dax_hmem_init",
};

static void append_forbidden(struct text *text)
{
	char words[256] = "initcall_blacklist=";
	size_t used = strlen(words);

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
		used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s", i ? "," : "",
					 forbidden[i]);
	append(text, words);
	/*
	 * Memory modules are found by ACPI itself. Its tables of nodes describe A's memory: for
	 * what lies there above 4 GiB B would set 64 MiB of its own aside (pci_swiotlb_detect()).
	 */
	append(text, "acpi_no_memhotplug memhp_default_state=offline numa=off");
}

int cmdline_for_b(const char *a, unsigned cpus, const char *extra, char *ret, size_t size,
		  struct error *err)
{
	struct text text = { .bytes = ret, .size = size };
	char number[32];
	int status = check_extra(extra, err);

	if (status)
		return status;
	*ret = '\0';
	append_words(&text, a, is_console);
	append(&text, "nokaslr iomem=relaxed");
	/* What a save leaves behind is A's, and shall be neither in its own file nor take room. */
	append(&text, "init_on_free=1");
	snprintf(number, sizeof(number), "nr_cpus=%u", cpus);
	append(&text, number);
	/*
	 * A kernel B that hangs or fails must end in a reboot, not in a dead machine. But that
	 * loses A, and a virtual machine may be paused: what its init sets holds from the first
	 * moment.
	 */
	append(&text, "panic=10 oops=panic softlockup_panic=1 watchdog_thresh=60");
	append(&text, "sysctl.kernel.hung_task_panic=1 sysctl.kernel.hung_task_timeout_secs=1200");
	append(&text, "printk.devkmsg=on loglevel=6");
	/* It must not touch A's disks nor take A's image for its own. */
	append(&text, "raid=noautodetect noresume");
	append_forbidden(&text);
	append_words(&text, a, is_handed_on);
	append(&text, extra);
	if (text.full)
		return error_set(err, E2BIG, "kernel B's command line is longer than %zu bytes",
				 size - 1);
	return 0;
}
