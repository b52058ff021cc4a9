/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device-mapper tables, RAID 1 members and partitions of stacked devices. */
#include "kjump/watch/mapping.h"

#include <dirent.h>
#include <errno.h>
#include <libdevmapper.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kjump/watch/internal.h"
#include "kjump/watch/loop.h"

#define SECTOR	  512
#define DEPTH_MAX 8

static int resolve(const struct place *place, int depth, struct places *ret, struct error *err);

static int unsupported(const struct place *place, const char *what, struct error *err)
{
	return error_set(err, ENOTSUP, "%s: %s: cannot tell where its bytes lie", place->name,
			 what);
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

/* The part of PLACE that lies in the target of START and LENGTH sectors, on the target's device. */
static int resolve_target(const struct place *place, uint64_t start, uint64_t length,
			  const char *type, const char *params, int depth, struct places *ret,
			  struct error *err)
{
	uint64_t end = (start + length) * SECTOR;
	uint64_t from, to, sector;
	unsigned major, minor;
	struct place below;
	int code;

	start *= SECTOR;
	from = place->offset > start ? place->offset : start;
	to = place->offset + place->length < end ? place->offset + place->length : end;
	if (from >= to)
		return 0;
	if (ret->writable && !strcmp(type, "crypt"))
		return error_set(err, ENOTSUP, "%s: encrypted, and kernel B has no key",
				 place->name);
	code = mapping_target(type, params, &major, &minor, &sector, err);
	if (code)
		return error_prefix(err, "%s", place->name);
	code = sysfs_name(major, minor, below.name, err);
	if (code)
		return code;
	below.offset = sector * SECTOR + (from - start);
	below.length = to - from;
	return resolve(&below, depth + 1, ret, err);
}

/* libdevmapper's own messages: what fails is reported once, by the caller. */
__attribute__((format(printf, 5, 6))) static void no_log(int level, const char *file, int line,
							 int code, const char *format, ...)
{
	(void)level;
	(void)file;
	(void)line;
	(void)code;
	(void)format;
}

static struct dm_task *read_table(const char *name, struct error *err)
{
	struct dm_task *task = NULL;
	unsigned major, minor;
	char number[32];

	if (!sysfs_text(name, "dev", number, sizeof(number)) ||
	    sscanf(number, "%u:%u", &major, &minor) != 2) {
		error_set(err, ENOTSUP, "%s: no device number", name);
		return NULL;
	}
	dm_log_with_errno_init(no_log);
	task = dm_task_create(DM_DEVICE_TABLE);
	/* Secure: the buffers may hold the key of a crypt target. */
	if (task && dm_task_set_major_minor(task, (int)major, (int)minor, 0) &&
	    dm_task_secure_data(task) && dm_task_run(task))
		return task;
	error_set(err, task && dm_task_get_errno(task) ? dm_task_get_errno(task) : EIO,
		  "%s: cannot read its mapping", name);
	if (task)
		dm_task_destroy(task);
	return NULL;
}

static int resolve_mapped(const struct place *place, int depth, struct places *ret,
			  struct error *err)
{
	struct dm_task *table = read_table(place->name, err);
	void *next = NULL;
	int code = 0;

	if (!table)
		return -err->code;
	do {
		char *type = NULL, *params = NULL;
		uint64_t start, length;

		next = dm_get_next_target(table, next, &start, &length, &type, &params);
		if (type)
			code = resolve_target(place, start, length, type, params, depth, ret, err);
	} while (next && !code);
	dm_task_destroy(table);
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
		start = sysfs_number(place->name, attribute);
		if (start < 0) {
			code = unsupported(place, entry->d_name, err);
			break;
		}
		below.offset += (uint64_t)start * SECTOR;
		code = sysfs_link(link, 0, below.name, err);
		if (!code)
			code = resolve(&below, depth + 1, ret, err);
		members++;
	}
	closedir(dir);
	return code || members ? code : unsupported(place, "no members", err);
}

static bool is_raid1(const char *name)
{
	char level[32];

	return sysfs_text(name, "md/level", level, sizeof(level)) && !strcmp(level, "raid1");
}

/* Does it count in its members' headers when it is written (md_write_start() in the kernel)? */
static bool counts_writes(const char *name)
{
	static const char *const levels[] = { "raid4", "raid5", "raid6", "raid10" };
	char level[32];

	if (!sysfs_text(name, "md/level", level, sizeof(level)))
		return false;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(level, levels[i]))
			return true;
	return false;
}

/* A partition of a stacked device: the same bytes of the whole device. */
static int resolve_partition(const struct place *place, const char *whole, int depth,
			     struct places *ret, struct error *err)
{
	long long start = sysfs_number(place->name, "start");
	struct place below = *place;

	if (start < 0)
		return unsupported(place, "a partition without a start", err);
	memcpy(below.name, whole, sizeof(below.name));
	below.offset += (uint64_t)start * SECTOR;
	return resolve(&below, depth + 1, ret, err);
}

static bool is_stacked(const char *name)
{
	return sysfs_has(name, "dm") || sysfs_has(name, "md") || sysfs_has(name, "loop");
}

static int resolve(const struct place *place, int depth, struct places *ret, struct error *err)
{
	char whole[BLOCK_NAME_SIZE];

	if (depth > DEPTH_MAX)
		return unsupported(place, "too many layers", err);
	if (sysfs_has(place->name, "dm"))
		return resolve_mapped(place, depth, ret, err);
	if (sysfs_has(place->name, "md") && is_raid1(place->name))
		return resolve_raid1(place, depth, ret, err);
	if (is_stacked(place->name)) {
		ret->in_file = sysfs_has(place->name, "loop") && !loop_obstacle(place->name);
		ret->array = counts_writes(place->name);
		return unsupported(place,
				   sysfs_has(place->name, "loop")
					   ? "a loop device, which kernel B does not have"
					   : "neither RAID 1 nor a simple mapping",
				   err);
	}
	if (sysfs_has(place->name, "partition")) {
		if (sysfs_whole(place->name, whole, err))
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

/* --- what drivers keep in memory --- */

enum mapping_state mapping_target_state(const char *type)
{
	static const struct {
		const char *type;
		enum mapping_state state;
	} kinds[] = {
		{ "linear", MAPPING_STATELESS },    { "striped", MAPPING_STATELESS },
		{ "crypt", MAPPING_STATELESS },	    { "verity", MAPPING_STATELESS },
		{ "error", MAPPING_STATELESS },	    { "zero", MAPPING_STATELESS },
		{ "delay", MAPPING_STATELESS },	    { "flakey", MAPPING_STATELESS },
		{ "dust", MAPPING_STATELESS },	    { "ebs", MAPPING_STATELESS },
		{ "unstriped", MAPPING_STATELESS }, { "switch", MAPPING_STATELESS },
		{ "multipath", MAPPING_STATELESS }, { "snapshot-origin", MAPPING_STATELESS },
		{ "thin", MAPPING_HEADED },	    { "thin-pool", MAPPING_HEADED },
		{ "cache", MAPPING_HEADED },	    { "writecache", MAPPING_HEADED },
		{ "era", MAPPING_HEADED },	    { "clone", MAPPING_HEADED },
		{ "zoned", MAPPING_HEADED },	    { "raid", MAPPING_HEADED },
		{ "mirror", MAPPING_HEADED },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].type, type))
			return kinds[i].state;
	return MAPPING_SCATTERED;
}

/* Of an array. One without a level has not been started; a container's arrays are there, too. */
static enum mapping_state array_state(const char *name)
{
	static const char *const levels[] = { "", "raid0", "linear", "multipath", "container" };
	char level[32];

	if (!sysfs_text(name, "md/level", level, sizeof(level)))
		return MAPPING_STATELESS;
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (!strcmp(level, levels[i]))
			return MAPPING_STATELESS;
	return MAPPING_HEADED;
}

int mapping_state(const char *name, enum mapping_state *ret, struct error *err)
{
	struct dm_task *table;
	void *next = NULL;

	*ret = sysfs_has(name, "md") ? array_state(name) : MAPPING_STATELESS;
	if (!sysfs_has(name, "dm"))
		return 0;
	table = read_table(name, err);
	if (!table)
		return -err->code;
	do {
		char *type = NULL, *params = NULL;
		enum mapping_state state;
		uint64_t start, length;

		next = dm_get_next_target(table, next, &start, &length, &type, &params);
		state = type ? mapping_target_state(type) : MAPPING_STATELESS;
		*ret = state > *ret ? state : *ret;
	} while (next);
	dm_task_destroy(table);
	return 0;
}
