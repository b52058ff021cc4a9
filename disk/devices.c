/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading which PCI functions and disks this kernel's drivers hold. */
#include "disk/devices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/safe.h"
#include "disk/attribute.h"
#include "disk/probe.h"
#include "disk/sysfs.h"

#define SECTOR	  512
#define DEPTH_MAX 8

/* --- lists ---------------------------------------------------------------------------------- */

/* Append a zeroed record of SIZE bytes to LIST of *COUNT; NULL when there is no memory. */
static void *append(void **list, size_t *count, size_t size)
{
	size_t capacity = 16;
	void *longer = *list;

	while (capacity <= *count)
		capacity *= 2;
	if (!*count || capacity == *count * 2)
		longer = reallocarray(*list, capacity, size);
	if (!longer)
		return NULL;
	*list = longer;
	return memset((char *)longer + (*count)++ * size, 0, size);
}

static void put_text(char *to, size_t size, const char *text)
{
	size_t length = strnlen(text, size - 1);

	memset(to, 0, size);
	memcpy(to, text, length);
}

/* --- PCI ------------------------------------------------------------------------------------ */

static bool path_of(char path[PATH_MAX], const char *directory, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX;
}

static uint32_t hex_attribute(const char *directory, const char *name)
{
	char path[PATH_MAX], text[32];

	if (!path_of(path, directory, name) || !attribute_text(path, text, sizeof(text)))
		return 0;
	return (uint32_t)strtoul(text, NULL, 16);
}

/* Last component of a link, "" when it is none. */
static void link_target(const char *directory, const char *name, char *target, size_t size)
{
	char path[PATH_MAX], link[PATH_MAX];
	const char *slash;
	ssize_t n = -1;

	if (path_of(path, directory, name))
		n = readlink(path, link, sizeof(link) - 1);
	link[n < 0 ? 0 : n] = '\0';
	slash = strrchr(link, '/');
	put_text(target, size, slash ? slash + 1 : link);
}

/* "0xfebf1000 0xfebf1fff 0x40200" a line; the first six are those of the BARs (pci-sysfs.c). */
static void read_bars(const char *directory, struct pci_record *record)
{
	char path[PATH_MAX];
	FILE *file = path_of(path, directory, "resource") ? fopen(path, "re") : NULL;
	uint64_t start, end, flags;

	for (int i = 0; file && i < PCI_BARS; i++) {
		if (fscanf(file, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end, &flags) != 3)
			break;
		if (end < start || !flags)
			continue;
		record->bars[i].start = start;
		record->bars[i].size = end - start + 1;
	}
	if (file)
		fclose(file);
}

static bool is_virtual_function(const char *directory)
{
	char path[PATH_MAX];

	return path_of(path, directory, "physfn") && access(path, F_OK) == 0;
}

static int read_function(const char *directory, const char *name, enum devices_kind kind,
			 struct devices *ret)
{
	unsigned domain, bus, device, function;
	struct pci_record *record;
	char driver[sizeof(record->driver)];
	void *list = ret->pci;

	if (sscanf(name, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4)
		return 0;
	link_target(directory, "driver", driver, sizeof(driver));
	if (kind == DEVICES_DRIVEN && (!*driver || is_virtual_function(directory)))
		return 0;
	record = append(&list, &ret->pci_count, sizeof(*record));
	if (!record)
		return -ENOMEM;
	ret->pci = list;
	record->domain = domain;
	record->bus = (uint8_t)bus;
	record->device = (uint8_t)device;
	record->function = (uint8_t)function;
	record->vendor = (uint16_t)hex_attribute(directory, "vendor");
	record->id = (uint16_t)hex_attribute(directory, "device");
	record->subvendor = (uint16_t)hex_attribute(directory, "subsystem_vendor");
	record->subid = (uint16_t)hex_attribute(directory, "subsystem_device");
	record->class = hex_attribute(directory, "class") << 8 |
			(hex_attribute(directory, "revision") & 0xff);
	read_bars(directory, record);
	memcpy(record->driver, driver, sizeof(record->driver));
	return 0;
}

static int read_pci(const struct devices_source *source, enum devices_kind kind,
		    struct devices *ret, struct error *err)
{
	char bus[PATH_MAX], directory[PATH_MAX];
	struct dirent *entry;
	int rc = 0;
	DIR *dir;

	snprintf(bus, sizeof(bus), "%s/bus/pci/devices", source->sys);
	dir = opendir(bus);
	if (!dir)
		return errno == ENOENT ? 0 : error_errno(err, "%s", bus);
	while (!rc && (entry = readdir(dir)))
		if (path_of(directory, bus, entry->d_name))
			rc = read_function(directory, entry->d_name, kind, ret);
	closedir(dir);
	return rc ? error_set(err, -rc, "%s: not enough memory", bus) : 0;
}

/* --- disks ---------------------------------------------------------------------------------- */

/*
 * The first that there is, of the attributes of SCSI and NVMe disks (wwid), virtio (serial), NVMe
 * and MMC.
 */
static void read_serial(const char *sys, const char *name, struct disk_record *record)
{
	static const struct {
		const char *kind, *attribute;
	} sources[] = {
		{ "wwid", "wwid" },	 { "wwid", "device/wwid" },
		{ "serial", "serial" },	 { "serial", "device/serial" },
		{ "cid", "device/cid" },
	};
	char text[160], line[sizeof(record->serial)];

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (!attribute_of_disk(sys, name, sources[i].attribute, text, sizeof(text)) ||
		    !*text)
			continue;
		snprintf(line, sizeof(line), "%s %s", sources[i].kind, text);
		put_text(record->serial, sizeof(record->serial), line);
		return;
	}
}

static int read_disk(const struct devices_source *source, const char *name, enum devices_kind kind,
		     struct devices *ret)
{
	char place[sizeof(ret->disks->place)], content[sizeof(ret->disks->content)], size[32];
	struct disk_record *record;
	void *list = ret->disks;

	if (!devices_place(source->sys, name, place, sizeof(place)) ||
	    strlen(name) >= sizeof(record->name) ||
	    !attribute_of_disk(source->sys, name, "size", size, sizeof(size)) ||
	    !strtoull(size, NULL, 10))
		return 0;
	record = append(&list, &ret->disk_count, sizeof(*record));
	if (!record)
		return -ENOMEM;
	ret->disks = list;
	put_text(record->place, sizeof(record->place), place);
	put_text(record->name, sizeof(record->name), name);
	read_serial(source->sys, name, record);
	record->size = strtoull(size, NULL, 10) * SECTOR;
	if (source->in_use(name))
		record->flags |= DISK_IN_USE;
	if (kind == DEVICES_ALL || record->flags) {
		source->content(name, content, sizeof(content));
		put_text(record->content, sizeof(record->content), content);
	}
	return 0;
}

static int read_disks(const struct devices_source *source, enum devices_kind kind,
		      struct devices *ret, struct error *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int rc = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/class/block", source->sys);
	dir = opendir(path);
	if (!dir)
		return error_errno(err, "%s: cannot list block devices", path);
	while (!rc && (entry = readdir(dir)))
		rc = read_disk(source, entry->d_name, kind, ret);
	closedir(dir);
	return rc ? error_set(err, -rc, "%s: not enough memory", path) : 0;
}

/* --- the whole ------------------------------------------------------------------------------ */

static uint64_t address_of(const struct pci_record *record)
{
	return (uint64_t)record->domain << 24 | (uint64_t)record->bus << 16 |
	       (uint64_t)record->device << 8 | record->function;
}

static int compare_pci(const void *a, const void *b)
{
	uint64_t x = address_of(a), y = address_of(b);

	return (x > y) - (x < y);
}

static int compare_disks(const void *a, const void *b)
{
	const struct disk_record *x = a, *y = b;

	return strcmp(x->place, y->place);
}

int devices_read(const struct devices_source *source, enum devices_kind kind, struct devices *ret,
		 struct error *err)
{
	int rc;

	devices_free(ret);
	rc = read_pci(source, kind, ret, err);
	if (!rc)
		rc = read_disks(source, kind, ret, err);
	if (rc) {
		devices_free(ret);
		return rc;
	}
	if (ret->pci_count)
		qsort(ret->pci, ret->pci_count, sizeof(ret->pci[0]), compare_pci);
	if (ret->disk_count)
		qsort(ret->disks, ret->disk_count, sizeof(ret->disks[0]), compare_disks);
	return 0;
}

void devices_free(struct devices *devices)
{
	free(devices->pci);
	free(devices->disks);
	memset(devices, 0, sizeof(*devices));
}

/* Mark what NAME is made of: the disk of a partition, what is below a volume. */
static void mark(const struct devices_source *source, struct devices *devices, const char *name,
		 int depth)
{
	char path[PATH_MAX], real[PATH_MAX], text[32];
	struct dirent *entry;
	char *slash;
	DIR *dir;

	for (size_t i = 0; i < devices->disk_count; i++) {
		struct disk_record *disk = &devices->disks[i];

		if (strcmp(disk->name, name))
			continue;
		disk->flags |= DISK_TARGET;
		if (!disk->content[0]) {
			source->content(name, path, sizeof(disk->content));
			put_text(disk->content, sizeof(disk->content), path);
		}
	}
	if (!depth || snprintf(path, sizeof(path), "%s/class/block/%s/slaves", source->sys, name) >=
			      (int)sizeof(path))
		return;
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			mark(source, devices, entry->d_name, depth - 1);
	if (dir)
		closedir(dir);
	if (!attribute_of_disk(source->sys, name, "partition", text, sizeof(text)))
		return;
	snprintf(path, sizeof(path), "%s/class/block/%s/..", source->sys, name);
	slash = realpath(path, real) ? strrchr(real, '/') : NULL;
	if (slash)
		mark(source, devices, slash + 1, depth - 1);
}

void devices_mark_target(const struct devices_source *source, struct devices *devices,
			 const char *number)
{
	char path[PATH_MAX], real[PATH_MAX];
	const char *slash;

	if (snprintf(path, sizeof(path), "%s/dev/block/%s", source->sys, number) >=
		    (int)sizeof(path) ||
	    !realpath(path, real))
		return;
	slash = strrchr(real, '/');
	if (slash)
		mark(source, devices, slash + 1, DEPTH_MAX);
}

size_t devices_store(const struct devices *devices, struct mailbox *mailbox)
{
	uint32_t count = 0;

	mailbox->pci_count = devices->pci_count < MAILBOX_PCI_MAX ? (uint32_t)devices->pci_count
								  : MAILBOX_PCI_MAX;
	if (mailbox->pci_count)
		memcpy(mailbox->pci, devices->pci, mailbox->pci_count * sizeof(mailbox->pci[0]));
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < devices->disk_count && count < MAILBOX_DISK_MAX; i++)
			if ((devices->disks[i].flags == 0) == (round == 1))
				mailbox->disks[count++] = devices->disks[i];
	mailbox->disk_count = count;
	return devices->pci_count - mailbox->pci_count + devices->disk_count - count;
}

bool devices_pci_valid(const struct pci_record *record)
{
	return !record->reserved0 && !record->reserved1 &&
	       safe_is_text(record->driver, sizeof(record->driver));
}

bool devices_disk_valid(const struct disk_record *record)
{
	return !record->reserved && !(record->flags & ~(uint32_t)DISK_FLAGS) &&
	       safe_is_text(record->place, sizeof(record->place)) &&
	       safe_is_text(record->name, sizeof(record->name)) &&
	       safe_is_text(record->serial, sizeof(record->serial)) &&
	       safe_is_text(record->content, sizeof(record->content));
}

/* --- the running machine -------------------------------------------------------------------- */

/*
 * Only one can hold a block device for itself (bd_prepare_to_claim), and whoever holds a partition
 * holds the disk as well: file systems in all namespaces, swap, arrays and volumes do so.
 */
static bool held(const char *name)
{
	char path[300];
	int fd;

	sysfs_node(name, path, sizeof(path));
	fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == EBUSY;
	close(fd);
	return false;
}

const struct devices_source devices_running = {
	.sys = "/sys",
	.in_use = held,
	.content = probe_content,
};
