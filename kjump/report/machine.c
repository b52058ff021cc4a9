/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a report says of the machine: processor, memory, disks, devices, modules.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/version.h"
#include "kjump/paths.h"
#include "kjump/report/report.h"
#include "kjump/watch/mounts.h"
#include "text/files.h"

#define LINES_MAX 4096

/* The first line of the file NAME in FOLDER, or "". */
static char *attribute(const char *folder, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (file_read_start(path, text, size) < 0)
		*text = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* --- system -------------------------------------------------------------------------------------
 */

/* Lines of the file PATH that begin with one of the words, up to the first that is empty. */
static void pick_lines(struct report *report, const char *path, const char *const *words)
{
	char full[REPORT_PATH_SIZE], *line = NULL;
	FILE *file = fopen(report_path(report, path, full), "re");
	size_t capacity = 0;

	if (!file) {
		report_line(report, "%s: %s", path, strerror(errno));
		return;
	}
	while (getline(&line, &capacity, file) > 1) {
		line[strcspn(line, "\n")] = '\0';
		for (const char *const *word = words; *word; word++) {
			if (!strncmp(line, *word, strlen(*word)))
				report_line(report, "%s", line);
		}
	}
	free(line);
	fclose(file);
}

/* What matters of how the kernel was built. */
static void report_kernel_config(struct report *report, const char *release)
{
	static const char *const words[] = {
		"CONFIG_KEXEC",
		"CONFIG_HIBERNAT",
		"CONFIG_SUSPEND",
		"CONFIG_PM",
		"CONFIG_KALLSYMS",
		"CONFIG_RANDOMIZE",
		"CONFIG_STRICT_DEVMEM",
		"CONFIG_IO_STRICT_DEVMEM",
		"CONFIG_X86_KERNEL_IBT",
		"CONFIG_X86_FRED",
		"CONFIG_LOCK_DOWN",
		"CONFIG_SECURITY_LOCKDOWN",
		"CONFIG_CFI",
		"CONFIG_MODULE_SIG",
		"CONFIG_MEMORY_HOTPLUG",
		"CONFIG_INIT_ON",
		"CONFIG_PAGE_POISONING",
		"CONFIG_PREEMPT",
		"CONFIG_X86_5LEVEL",
		"CONFIG_AMD_MEM_ENCRYPT",
		"CONFIG_KPROBES",
		"CONFIG_PROC_KCORE",
		NULL,
	};
	char path[320];

	snprintf(path, sizeof(path), "%s/config-%s", PATH_BOOT, release);
	pick_lines(report, path, words);
}

void report_system(struct report *report)
{
	static const char *const distribution[] = { "PRETTY_NAME=", "ID=", "VERSION_ID=", NULL };
	static const char *const processor[] = { "vendor_id",	  "cpu family", "model",
						 "stepping",	  "microcode",	"flags",
						 "address sizes", NULL };
	static const char *const kernel[][2] = {
		{ "kernel", PATH_OSRELEASE },
		{ "build", "/proc/sys/kernel/version" },
		{ "tainted", "/proc/sys/kernel/tainted" },
		{ "kexec_load_disabled", "/proc/sys/kernel/kexec_load_disabled" },
		{ "lockdown", "/sys/kernel/security/lockdown" },
		{ "disk", PATH_POWER_DISK },
		{ "sleep states", PATH_POWER_STATE },
		{ "mem_sleep", "/sys/power/mem_sleep" },
		{ "EFI", "/sys/firmware/efi/fw_platform_size" },
		{ "maker", "/sys/class/dmi/id/sys_vendor" },
		{ "model", "/sys/class/dmi/id/product_name" },
		{ "version", "/sys/class/dmi/id/product_version" },
		{ "board", "/sys/class/dmi/id/board_name" },
		{ "firmware", "/sys/class/dmi/id/bios_vendor" },
		{ "firmware version", "/sys/class/dmi/id/bios_version" },
		{ "firmware date", "/sys/class/dmi/id/bios_date" },
		{ "CPUs", "/sys/devices/system/cpu/present" },
		{ "CPUs online", "/sys/devices/system/cpu/online" },
	};
	char full[REPORT_PATH_SIZE], release[128] = "";
	struct error ignored = { 0 };

	report_line(report, "kjump " KJUMP_VERSION ", %s", geteuid() ? "not as root" : "as root");
	pick_lines(report, "/etc/os-release", distribution);
	for (size_t i = 0; i < sizeof(kernel) / sizeof(*kernel); i++)
		report_value(report, kernel[i][0], kernel[i][1]);
	pick_lines(report, PATH_CPUINFO, processor);
	if (!file_read(report_path(report, PATH_OSRELEASE, full), release, sizeof(release),
		       &ignored))
		report_kernel_config(report, release);
}

/* --- memory -------------------------------------------------------------------------------------
 */

static void report_range(struct report *report, const char *folder)
{
	char start[32], end[32], type[64];

	report_line(report, "firmware: %s-%s %s", attribute(folder, "start", start, sizeof(start)),
		    attribute(folder, "end", end, sizeof(end)),
		    attribute(folder, "type", type, sizeof(type)));
}

void report_memory(struct report *report)
{
	static const char *const files[] = { PATH_MEMINFO, "/proc/buddyinfo", PATH_IOMEM };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		report_line(report, "%s", files[i]);
		report_file(report, files[i], LINES_MAX);
	}
	report_each(report, PATH_FIRMWARE_MAP "/*", report_range);
}

/* --- disks --------------------------------------------------------------------------------------
 */

static void report_below(struct report *report, const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	report_line(report, "          on %s", basename(copy));
}

static void report_disk(struct report *report, const char *folder)
{
	char size[32], model[64], sector[32], turns[8], name[128], kind[128], below[PATH_MAX];
	const char *disk = strrchr(folder, '/') + 1;

	attribute(folder, "size", size, sizeof(size));
	/* Loop and RAM devices that nobody uses. */
	if (!strcmp(size, "0"))
		return;
	attribute(folder, "dm/uuid", kind, sizeof(kind));
	kind[strcspn(kind, "-")] = '\0';
	report_line(report, "%-12s %12s sectors of 512, blocks of %s, rotational %s %s %s %s", disk,
		    size, attribute(folder, "queue/logical_block_size", sector, sizeof(sector)),
		    attribute(folder, "queue/rotational", turns, sizeof(turns)),
		    attribute(folder, "device/model", model, sizeof(model)),
		    attribute(folder, "dm/name", name, sizeof(name)), kind);
	snprintf(below, sizeof(below), "%s/slaves/*", folder + strlen(report->root));
	report_each(report, below, report_below);
}

/* What lies on a block device. */
static int report_mount(void *context, const struct mount *mount, struct error *err)
{
	(void)err;
	if (mount->major)
		report_line(context, "mounted: %u:%u %s %s %s %s", mount->major, mount->minor,
			    mount->type, mount->source, mount->target, mount->options);
	return 0;
}

void report_disks(struct report *report)
{
	char full[REPORT_PATH_SIZE];
	struct error err = { 0 };

	report_each(report, PATH_CLASS_BLOCK "/*", report_disk);
	report_file(report, "/proc/swaps", LINES_MAX);
	if (mounts_each(report_path(report, "/proc/self/mountinfo", full), report_mount, report,
			&err))
		report_line(report, "%s", err.text);
}

/* --- devices and modules ------------------------------------------------------------------------
 */

static void report_pci(struct report *report, const char *folder)
{
	char vendor[16], device[16], class[16], link[PATH_MAX], driver[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "%s/driver", folder);
	length = readlink(link, driver, sizeof(driver) - 1);
	driver[length < 0 ? 0 : length] = '\0';
	report_line(report, "%s class %s id %s:%s %s", strrchr(folder, '/') + 1,
		    attribute(folder, "class", class, sizeof(class)),
		    attribute(folder, "vendor", vendor, sizeof(vendor)),
		    attribute(folder, "device", device, sizeof(device)),
		    *driver ? basename(driver) : "-");
}

void report_devices(struct report *report)
{
	report_each(report, PATH_PCI_DEVICES "/*", report_pci);
}

static void report_parameter(struct report *report, const char *path)
{
	report_value(report, strrchr(path, '/') + 1, path + strlen(report->root));
}

void report_modules(struct report *report)
{
	char full[REPORT_PATH_SIZE], name[64], rest[512], *line = NULL;
	FILE *file = fopen(report_path(report, PATH_MODULES, full), "re");
	size_t capacity = 0;

	report_value(report, "kjump.ko version", "/sys/module/kjump/version");
	report_value(report, "kjump.ko state", "/sys/module/kjump/initstate");
	report_each(report, "/sys/module/kjump/parameters/*", report_parameter);
	if (!file) {
		report_line(report, "%s: %s", PATH_MODULES, strerror(errno));
		return;
	}
	/* The last word is why one taints the kernel: "(OE)". */
	while (getline(&line, &capacity, file) >= 0) {
		if (sscanf(line, "%63s %511[^\n]", name, rest) == 2)
			report_line(report, "%s %s", name,
				    strchr(rest, '(') ? strchr(rest, '(') : "");
	}
	free(line);
	fclose(file);
}
