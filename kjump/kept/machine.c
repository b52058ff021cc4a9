/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digests of the machine, from /sys. */
#include "kjump/kept/machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "disk/attribute.h"
#include "disk/devices.h"

/* --- ACPI --- */

/*
 * FACS is memory that firmware and system write to; its signature is compared by itself. What was
 * loaded later ("dynamic") comes out of the others.
 */
static int is_table(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strncmp(entry->d_name, "FACS", 4) != 0 &&
	       strcmp(entry->d_name, "dynamic") != 0 && strcmp(entry->d_name, "data") != 0;
}

static int digest_file(const char *directory, const char *name, uint64_t *digest, struct error *err)
{
	unsigned char bytes[FRAME_SIZE];
	char path[PATH_MAX];
	ssize_t size = -1;
	int fd = -1;

	*digest = XXH3_64bits_withSeed(name, strlen(name), *digest);
	if (snprintf(path, sizeof(path), "%s/%s", directory, name) < (int)sizeof(path))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (size = read(fd, bytes, sizeof(bytes))) > 0)
		*digest = XXH3_64bits_withSeed(bytes, (size_t)size, *digest);
	if (size < 0)
		error_errno(err, "%s/%s", directory, name);
	if (fd >= 0)
		close(fd);
	return size < 0 ? -err->code : 0;
}

static int digest_tables(const char *sys, uint64_t *digest, struct error *err)
{
	struct dirent **entries = NULL;
	char directory[PATH_MAX];
	int count, ret = 0;

	snprintf(directory, sizeof(directory), "%s/firmware/acpi/tables", sys);
	count = scandir(directory, &entries, is_table, alphasort);
	*digest = 0;
	/* A machine without ACPI. */
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0)
		return error_errno(err, "%s", directory);
	for (int i = 0; i < count; i++) {
		if (!ret)
			ret = digest_file(directory, entries[i]->d_name, digest, err);
		free(entries[i]);
	}
	free(entries);
	return ret;
}

/* --- PCI functions and disks --- */

/* Who drives a function is A's affair, and may not be decided yet. */
static uint64_t digest_pci(const struct devices *devices)
{
	uint64_t digest = devices->pci_count;

	for (size_t i = 0; i < devices->pci_count; i++) {
		struct pci_record record = devices->pci[i];

		memset(record.driver, 0, sizeof(record.driver));
		digest = XXH3_64bits_withSeed(&record, sizeof(record), digest);
	}
	return digest;
}

static int is_partition_of(const char *sys, const char *disk, const char *name)
{
	char path[PATH_MAX];

	return strncmp(name, disk, strlen(disk)) == 0 &&
	       snprintf(path, sizeof(path), "%s/class/block/%s/%s/partition", sys, disk, name) <
		       (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

/* B has read the table of partitions once, and goes by that. */
static int digest_partitions(const char *sys, const char *disk, uint64_t *digest, struct error *err)
{
	char path[PATH_MAX], start[32], size[32], text[PATH_MAX];
	struct dirent **entries = NULL;
	int count;

	if (snprintf(path, sizeof(path), "%s/class/block/%s", sys, disk) >= (int)sizeof(path))
		return error_set(err, ENAMETOOLONG, "%s", disk);
	count = scandir(path, &entries, NULL, alphasort);
	if (count < 0)
		return error_errno(err, "%s", path);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (is_partition_of(sys, disk, name)) {
			attribute_of_disk(sys, name, "start", start, sizeof(start));
			attribute_of_disk(sys, name, "size", size, sizeof(size));
			snprintf(text, sizeof(text), "%s %s %s", name + strlen(disk), start, size);
			*digest = XXH3_64bits_withSeed(text, strlen(text), *digest);
		}
		free(entries[i]);
	}
	free(entries);
	return 0;
}

/* What hangs on a USB comes and goes, also while B waits, and B looks for it again. */
static int digest_disks(const char *sys, const struct devices *devices, uint64_t *digest,
			struct error *err)
{
	int ret = 0;

	*digest = 0;
	for (size_t i = 0; !ret && i < devices->disk_count; i++) {
		struct disk_record record = devices->disks[i];
		char name[sizeof(record.name)];

		if (strstr(record.place, "/usb"))
			continue;
		memcpy(name, record.name, sizeof(name));
		memset(record.name, 0, sizeof(record.name));
		memset(record.content, 0, sizeof(record.content));
		record.flags = 0;
		*digest = XXH3_64bits_withSeed(&record, sizeof(record), *digest);
		ret = digest_partitions(sys, name, digest, err);
	}
	return ret;
}

/* Neither who uses a disk nor what is on it matters here. */
static bool nobody(const char *name)
{
	(void)name;
	return false;
}

static void nothing(const char *name, char *text, size_t size)
{
	(void)name;
	if (size)
		*text = '\0';
}

int kept_machine_read(const char *sys, struct kept_identity *ret, struct error *err)
{
	const struct devices_source source = { .sys = sys, .in_use = nobody, .content = nothing };
	struct devices devices = { 0 };
	int status = digest_tables(sys, &ret->acpi, err);

	if (!status)
		status = devices_read(&source, DEVICES_ALL, &devices, err);
	if (!status) {
		ret->pci = digest_pci(&devices);
		status = digest_disks(sys, &devices, &ret->disks, err);
	}
	devices_free(&devices);
	return status;
}

const char *kept_difference(const struct kept_identity *then, const struct kept_identity *now)
{
	if (then->kernel != now->kernel)
		return "kernel B's kernel is another one";
	if (then->initramfs != now->initramfs)
		return "kernel B's initramfs is another one";
	if (then->cpus != now->cpus)
		return "kernel B is to have another number of CPUs";
	if (then->acpi != now->acpi)
		return "the firmware's ACPI tables are others";
	if (then->pci != now->pci)
		return "PCI devices are others or lie elsewhere";
	if (then->disks != now->disks)
		return "disks or their partitions are others";
	return NULL;
}
