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
#include "disk/sysfs.h"

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

static void partition_tags(const char *name, struct disk_tags *ret)
{
	long long number = sysfs_number(name, "partition");
	char disk[BLOCK_NAME_SIZE], path[BLOCK_NAME_SIZE + 8];
	struct error ignored = { 0 };
	blkid_partlist list;
	blkid_partition partition;
	blkid_probe probe;
	int fd;

	if (number < 1 || number > INT_MAX || sysfs_whole(name, disk, &ignored))
		return;
	sysfs_node(disk, path, sizeof(path));
	fd = open_cached(path, O_RDONLY);
	if (fd < 0)
		return;
	probe = new_probe(fd);
	if (probe) {
		blkid_probe_enable_superblocks(probe, 0);
		blkid_probe_enable_partitions(probe, 1);
		list = blkid_probe_get_partitions(probe);
		partition = list ? blkid_partlist_get_partition_by_partno(list, (int)number) : NULL;
		if (partition) {
			copy(ret->partuuid, sizeof(ret->partuuid),
			     blkid_partition_get_uuid(partition));
			copy(ret->partlabel, sizeof(ret->partlabel),
			     blkid_partition_get_name(partition));
			snprintf(ret->parttype, sizeof(ret->parttype), "%#x",
				 blkid_partition_get_type(partition));
			copy(ret->parttype, sizeof(ret->parttype),
			     blkid_partition_get_type_string(partition));
		}
	}
	blkid_free_probe(probe);
	close(fd);
}

void probe_tags(const char *name, struct disk_tags *ret)
{
	char path[300];

	memset(ret, 0, sizeof(*ret));
	sysfs_node(name, path, sizeof(path));
	superblock_tags(path, ret);
	partition_tags(name, ret);
}

void probe_content(const char *name, char *text, size_t size)
{
	static const char *const keys[] = { "PTUUID", "UUID_SUB", "UUID" };
	blkid_probe probe;
	char path[300];
	int fd;

	*text = '\0';
	sysfs_node(name, path, sizeof(path));
	fd = open_cached(path, O_RDONLY);
	if (fd < 0)
		return;
	probe = new_probe(fd);
	if (probe) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUID);
		blkid_probe_enable_partitions(probe, 1);
		if (blkid_do_safeprobe(probe) == 0)
			for (size_t i = 0; !*text && i < sizeof(keys) / sizeof(keys[0]); i++)
				if (lookup(probe, keys[i]))
					snprintf(text, size, "%s=%s", keys[i],
						 lookup(probe, keys[i]));
	}
	blkid_free_probe(probe);
	close(fd);
}
