/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device-mapper tables, RAID 1 members and partitions of stacked devices. */
#include "disk/mapping.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dm-ioctl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/safe.h"

#define SECTOR	   512
#define TABLE_SIZE 65536
#define DEPTH_MAX  8

static int resolve(const struct place *place, int depth, struct places *ret, struct error *err);

static int unsupported(const struct place *place, const char *what, struct error *err)
{
	return error_set(err, ENOTSUP, "%s: %s: cannot tell where its bytes lie", place->name,
			 what);
}

long long mapping_attribute(const char *name, const char *attribute)
{
	long long value = -1;
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/block/%s/%s", name, attribute);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%lld", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

/* Last component of what the link at PATH, with UP components taken off its end, points to. */
static int link_name(const char *path, int up, char name[BLOCK_NAME_SIZE], struct error *err)
{
	char real[PATH_MAX];
	char *slash = NULL;

	if (!realpath(path, real))
		return error_errno(err, "%s", path);
	for (int i = 0; i <= up; i++) {
		if (slash)
			*slash = '\0';
		slash = strrchr(real, '/');
		if (!slash)
			return error_set(err, ENODEV, "%s: no block device", path);
	}
	if (strlen(slash + 1) >= BLOCK_NAME_SIZE)
		return error_set(err, ENAMETOOLONG, "%s: name too long", path);
	strcpy(name, slash + 1);
	return 0;
}

int mapping_name(unsigned major, unsigned minor, char name[BLOCK_NAME_SIZE], struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major, minor);
	return link_name(path, 0, name, err);
}

static bool has(const char *name, const char *entry)
{
	char path[512];

	snprintf(path, sizeof(path), "/sys/class/block/%s/%s", name, entry);
	return access(path, F_OK) == 0;
}

/* --- device mapper --- */

int mapping_target(const char *type, const char *params, unsigned *major, unsigned *minor,
		   uint64_t *sector, struct error *err)
{
	unsigned long long start;
	int fields = 0;

	if (!strcmp(type, "linear"))
		fields = sscanf(params, "%u:%u %llu", major, minor, &start);
	else if (!strcmp(type, "crypt")) /* cipher, key, IV offset, device, start */
		fields = sscanf(params, "%*s %*s %*s %u:%u %llu", major, minor, &start);
	if (fields != 3)
		return error_set(err, ENOTSUP, "%s mapping", type);
	*sector = start;
	return 0;
}

/* The device-mapper table of a device into BUFFER (TABLE_SIZE bytes, a struct dm_ioctl first). */
static int read_table(const struct place *place, struct dm_ioctl *buffer, struct error *err)
{
	unsigned major, minor;
	char path[512];
	FILE *file;
	int fd, code = 0;

	snprintf(path, sizeof(path), "/sys/class/block/%s/dev", place->name);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%u:%u", &major, &minor) != 2)
		code = unsupported(place, "no device number", err);
	if (file)
		fclose(file);
	if (code)
		return code;
	fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "/dev/mapper/control");
	memset(buffer, 0, TABLE_SIZE);
	buffer->version[0] = DM_VERSION_MAJOR;
	buffer->data_size = TABLE_SIZE;
	buffer->data_start = sizeof(*buffer);
	buffer->dev = makedev(major, minor);
	buffer->flags = DM_STATUS_TABLE_FLAG | DM_SECURE_DATA_FLAG;
	if (ioctl(fd, DM_TABLE_STATUS, buffer))
		code = error_errno(err, "%s: cannot read its mapping", place->name);
	else if (buffer->flags & DM_BUFFER_FULL_FLAG)
		code = unsupported(place, "a mapping too long", err);
	close(fd);
	return code;
}

/* The part of PLACE that lies in the target, on the target's device. */
static int resolve_target(const struct place *place, const struct dm_target_spec *target,
			  const char *params, int depth, struct places *ret, struct error *err)
{
	uint64_t start = target->sector_start * SECTOR;
	uint64_t end = start + target->length * SECTOR;
	uint64_t from = place->offset > start ? place->offset : start;
	uint64_t to = place->offset + place->length < end ? place->offset + place->length : end;
	struct place below;
	unsigned major, minor;
	uint64_t sector;
	int code;

	if (from >= to)
		return 0;
	if (ret->writable && !strcmp(target->target_type, "crypt"))
		return error_set(err, ENOTSUP, "%s: encrypted, and kernel B has no key",
				 place->name);
	code = mapping_target(target->target_type, params, &major, &minor, &sector, err);
	if (code)
		return error_prefix(err, "%s", place->name);
	code = mapping_name(major, minor, below.name, err);
	if (code)
		return code;
	below.offset = sector * SECTOR + (from - start);
	below.length = to - from;
	return resolve(&below, depth + 1, ret, err);
}

static int resolve_mapped(const struct place *place, int depth, struct places *ret,
			  struct error *err)
{
	struct dm_ioctl *table = malloc(TABLE_SIZE);
	size_t next;
	int code;

	if (!table)
		return error_set(err, ENOMEM, "no memory");
	code = read_table(place, table, err);
	next = code ? 0 : table->data_start;
	for (unsigned i = 0; !code && i < table->target_count; i++) {
		struct dm_target_spec *target = (void *)((char *)table + next);

		if (!safe_within(next, sizeof(*target) + 1, TABLE_SIZE)) {
			code = unsupported(place, "a mapping too long", err);
			break;
		}
		code = resolve_target(place, target, (char *)(target + 1), depth, ret, err);
		next = table->data_start + target->next;
	}
	explicit_bzero(table, TABLE_SIZE); /* it may hold the key of a crypt target */
	free(table);
	return code;
}

/* --- RAID 1, partitions --- */

static int resolve_raid1(const struct place *place, int depth, struct places *ret,
			 struct error *err)
{
	char path[512], attribute[320], link[1024];
	struct dirent *entry;
	int code = 0, members = 0;
	DIR *dir;

	/* The array would not notice that a member was not written to, and read from either. */
	if (ret->writable)
		return error_set(err, ENOTSUP, "%s: a RAID array, which kernel B does not assemble",
				 place->name);
	snprintf(path, sizeof(path), "/sys/class/block/%s/md", place->name);
	dir = opendir(path);
	if (!dir)
		return error_errno(err, "%s", path);
	while (!code && (entry = readdir(dir))) {
		struct place below = *place;
		long long start;

		if (strncmp(entry->d_name, "dev-", 4))
			continue;
		snprintf(attribute, sizeof(attribute), "md/%s/offset", entry->d_name);
		snprintf(link, sizeof(link), "%s/%s/block", path, entry->d_name);
		start = mapping_attribute(place->name, attribute);
		if (start < 0) {
			code = unsupported(place, entry->d_name, err);
			break;
		}
		below.offset += (uint64_t)start * SECTOR;
		code = link_name(link, 0, below.name, err);
		if (!code)
			code = resolve(&below, depth + 1, ret, err);
		members++;
	}
	closedir(dir);
	return code || members ? code : unsupported(place, "no members", err);
}

static bool is_raid1(const char *name)
{
	char path[512], level[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/block/%s/md/level", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%31s", level) != 1)
		level[0] = '\0';
	fclose(file);
	return !strcmp(level, "raid1");
}

/* A partition of a stacked device: the same bytes of the whole device. */
static int resolve_partition(const struct place *place, const char *whole, int depth,
			     struct places *ret, struct error *err)
{
	long long start = mapping_attribute(place->name, "start");
	struct place below = *place;

	if (start < 0)
		return unsupported(place, "a partition without a start", err);
	memcpy(below.name, whole, sizeof(below.name));
	below.offset += (uint64_t)start * SECTOR;
	return resolve(&below, depth + 1, ret, err);
}

static bool is_stacked(const char *name)
{
	return has(name, "dm") || has(name, "md") || has(name, "loop");
}

static int resolve(const struct place *place, int depth, struct places *ret, struct error *err)
{
	char path[512], whole[BLOCK_NAME_SIZE];

	if (depth > DEPTH_MAX)
		return unsupported(place, "too many layers", err);
	if (has(place->name, "dm"))
		return resolve_mapped(place, depth, ret, err);
	if (has(place->name, "md") && is_raid1(place->name))
		return resolve_raid1(place, depth, ret, err);
	if (is_stacked(place->name))
		return unsupported(place, "neither RAID 1 nor a simple mapping", err);
	if (has(place->name, "partition")) {
		snprintf(path, sizeof(path), "/sys/class/block/%s", place->name);
		if (link_name(path, 1, whole, err))
			return -err->code;
		if (is_stacked(whole))
			return resolve_partition(place, whole, depth, ret, err);
	}
	if (ret->n == PLACES_MAX)
		return unsupported(place, "in too many pieces", err);
	ret->v[ret->n++] = *place;
	return 0;
}

int mapping_resolve(const struct place *place, struct places *ret, struct error *err)
{
	return resolve(place, 0, ret, err);
}
