/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Low-level libblkid: what is on a device and what it is called. No udev and no cache: neither is
 * there in kernel B, and both may be out of date after a jump.
 */
#include "disk/probe.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/disk.h"

/*
 * libblkid reads at any offset and so needs a descriptor without O_DIRECT; what the page cache
 * holds of the device is dropped first, since it may be older than the last jump.
 */
static int open_cached(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return fd;
}

static int reopen(const struct disk *disk, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", disk->fd);
	return open_cached(path, flags);
}

static blkid_probe new_probe(int fd)
{
	blkid_probe probe = blkid_new_probe();

	if (probe && blkid_probe_set_device(probe, fd, 0, 0)) {
		blkid_free_probe(probe);
		return NULL;
	}
	return probe;
}

static const char *lookup(blkid_probe probe, const char *key)
{
	const char *value;

	return blkid_probe_lookup_value(probe, key, &value, NULL) ? NULL : value;
}

static void describe(blkid_probe probe, char *found, size_t size)
{
	const char *type = lookup(probe, "TYPE");
	const char *usage = lookup(probe, "USAGE");
	const char *table = lookup(probe, "PTTYPE");

	if (type && usage && !strcmp(usage, "filesystem"))
		snprintf(found, size, "%s file system", type);
	else if (type)
		snprintf(found, size, "%s signature", type);
	else if (table)
		snprintf(found, size, "%s partition table", table);
	else
		snprintf(found, size, "unknown signature");
}

int disk_probe(const struct disk *disk, char *found, size_t size, struct error *err)
{
	blkid_probe probe = NULL;
	int fd, rc, ret = 0;

	*found = '\0';
	fd = reopen(disk, O_RDONLY);
	if (fd < 0)
		return error_errno(err, "cannot open for probing");
	probe = new_probe(fd);
	if (!probe) {
		ret = error_set(err, EIO, "cannot probe for signatures");
		goto out;
	}
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE);
	blkid_probe_enable_partitions(probe, 1);
	rc = blkid_do_safeprobe(probe);
	if (rc == 0)
		describe(probe, found, size);
	else if (rc == -2)
		snprintf(found, size, "several signatures");
	else if (rc < 0)
		snprintf(found, size, "something that cannot be identified");
out:
	blkid_free_probe(probe);
	close(fd);
	return ret;
}

int disk_wipe(const struct disk *disk, struct error *err)
{
	blkid_probe probe = NULL;
	int fd, rc, ret = 0;

	fd = reopen(disk, O_RDWR);
	if (fd < 0)
		return error_errno(err, "cannot open for wiping");
	probe = new_probe(fd);
	if (!probe) {
		ret = error_set(err, EIO, "cannot probe for signatures");
		goto out;
	}
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
	while ((rc = blkid_do_probe(probe)) == 0)
		if (blkid_do_wipe(probe, 0)) {
			ret = error_errno(err, "cannot wipe an old signature");
			goto out;
		}
	if (rc < 0) {
		ret = error_set(err, EIO, "cannot probe for signatures");
		goto out;
	}
	if (fsync(fd))
		ret = error_errno(err, "cannot flush");
out:
	blkid_free_probe(probe);
	close(fd);
	return ret;
}

void probe_path(const char *name, char *path, size_t size)
{
	snprintf(path, size, "/dev/%s", name);
	for (char *c = path + 5; *c; c++)
		if (*c == '!') /* how sysfs writes a slash */
			*c = '/';
}

static void copy(char *to, size_t size, const char *value)
{
	/* A name that is cut off would answer to the wrong tag. */
	if (value && strlen(value) < size)
		strcpy(to, value);
}

static void superblock_tags(const char *path, struct disk_tags *ret)
{
	int fd = open_cached(path, O_RDONLY);
	blkid_probe probe;

	if (fd < 0)
		return;
	probe = new_probe(fd);
	if (probe) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
								 BLKID_SUBLKS_LABEL);
		if (blkid_do_safeprobe(probe) == 0) {
			copy(ret->type, sizeof(ret->type), lookup(probe, "TYPE"));
			copy(ret->uuid, sizeof(ret->uuid), lookup(probe, "UUID"));
			copy(ret->uuid_sub, sizeof(ret->uuid_sub), lookup(probe, "UUID_SUB"));
			copy(ret->label, sizeof(ret->label), lookup(probe, "LABEL"));
		}
	}
	blkid_free_probe(probe);
	close(fd);
}

/* The number of partition NAME, and the name of the disk it is on. 0 = not a partition. */
static int partition_number(const char *name, char *disk, size_t size)
{
	char link[PATH_MAX], real[PATH_MAX];
	char *slash;
	int number = 0;
	FILE *file;

	snprintf(link, sizeof(link), "/sys/class/block/%.255s/partition", name);
	file = fopen(link, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &number) != 1 || number < 1)
		number = 0;
	fclose(file);
	/* .../block/vda/vda1/partition */
	if (!number || !realpath(link, real))
		return 0;
	for (int i = 0; i < 2; i++) {
		slash = strrchr(real, '/');
		if (!slash)
			return 0;
		*slash = '\0';
	}
	slash = strrchr(real, '/');
	if (!slash || strlen(slash + 1) >= size)
		return 0;
	strcpy(disk, slash + 1);
	return number;
}

static void partition_tags(const char *name, struct disk_tags *ret)
{
	char disk[256], path[300];
	int number = partition_number(name, disk, sizeof(disk));
	blkid_partlist list;
	blkid_partition partition;
	blkid_probe probe;
	int fd;

	if (!number)
		return;
	probe_path(disk, path, sizeof(path));
	fd = open_cached(path, O_RDONLY);
	if (fd < 0)
		return;
	probe = new_probe(fd);
	if (probe) {
		blkid_probe_enable_superblocks(probe, 0);
		blkid_probe_enable_partitions(probe, 1);
		list = blkid_probe_get_partitions(probe);
		partition = list ? blkid_partlist_get_partition_by_partno(list, number) : NULL;
		if (partition) {
			copy(ret->partuuid, sizeof(ret->partuuid),
			     blkid_partition_get_uuid(partition));
			copy(ret->partlabel, sizeof(ret->partlabel),
			     blkid_partition_get_name(partition));
		}
	}
	blkid_free_probe(probe);
	close(fd);
}

void probe_tags(const char *name, struct disk_tags *ret)
{
	char path[300];

	memset(ret, 0, sizeof(*ret));
	probe_path(name, path, sizeof(path));
	superblock_tags(path, ret);
	partition_tags(name, ret);
}

bool probe_name(const char *name, char *tag, size_t size)
{
	struct disk_tags tags;
	int length = 0;

	probe_tags(name, &tags);
	if (tags.partuuid[0])
		length = snprintf(tag, size, "PARTUUID=%s", tags.partuuid);
	else if (tags.uuid_sub[0])
		length = snprintf(tag, size, "UUID_SUB=%s", tags.uuid_sub);
	else if (tags.uuid[0])
		length = snprintf(tag, size, "UUID=%s", tags.uuid);
	return length > 0 && (size_t)length < size;
}
