/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which block device answers to a name. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "disk/disk.h"
#include "disk/probe.h"
#include "disk/sysfs.h"

struct tag {
	const char *prefix;
	size_t offset; /* of the value in struct disk_tags */
	int (*compare)(const char *a, const char *b);
};

static const struct tag known_tags[] = {
	{ "UUID=", offsetof(struct disk_tags, uuid), strcasecmp },
	{ "UUID_SUB=", offsetof(struct disk_tags, uuid_sub), strcasecmp },
	{ "LABEL=", offsetof(struct disk_tags, label), strcmp },
	{ "PARTUUID=", offsetof(struct disk_tags, partuuid), strcasecmp },
	{ "PARTLABEL=", offsetof(struct disk_tags, partlabel), strcmp },
};

static const struct tag *find_tag(const char *spec)
{
	for (size_t i = 0; i < sizeof(known_tags) / sizeof(known_tags[0]); i++)
		if (!strncmp(spec, known_tags[i].prefix, strlen(known_tags[i].prefix)))
			return &known_tags[i];
	return NULL;
}

/*
 * Opening a floppy drive takes seconds and a suspended mapping blocks for ever; RAM disks hold
 * nothing that outlives a jump.
 */
static bool worth_probing(const char *name)
{
	if (name[0] == '.' || !strncmp(name, "ram", 3) || !strncmp(name, "zram", 4) ||
	    (!strncmp(name, "fd", 2) && name[2] >= '0' && name[2] <= '9'))
		return false;
	if (!strncmp(name, "loop", 4) && !sysfs_has(name, "loop/backing_file") &&
	    !sysfs_has(name, "partition"))
		return false;
	return sysfs_number(name, "size") > 0 && sysfs_number(name, "dm/suspended") <= 0;
}

/* Is something (a multipath map, an array) built on the device? */
static bool has_holders(const char *name)
{
	char path[600];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/class/block/%.255s/holders", name);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.';
	closedir(dir);
	return found;
}

struct match {
	char name[256];
	bool held;
	bool several;
};

/*
 * The paths of a multipath disk answer to the same name as the map that holds them: a device
 * without holders is preferred.
 */
static void add_match(struct match *match, const char *name)
{
	bool held = has_holders(name);

	if (match->name[0] && match->held == held)
		match->several = true;
	if (match->name[0] && held >= match->held)
		return;
	snprintf(match->name, sizeof(match->name), "%s", name);
	match->held = held;
	match->several = false;
}

static int find_by_tag(const struct tag *tag, const char *spec, char *path, size_t size,
		       struct error *err)
{
	const char *wanted = spec + strlen(tag->prefix);
	struct match match = { .name = "" };
	struct disk_tags tags;
	struct dirent *entry;
	DIR *dir;

	if (!*wanted)
		return error_set(err, EINVAL, "%s: the value is missing", spec);
	dir = opendir("/sys/class/block");
	if (!dir)
		return error_errno(err, "/sys/class/block: cannot list block devices");
	while ((entry = readdir(dir))) {
		if (!worth_probing(entry->d_name))
			continue;
		probe_tags(entry->d_name, &tags);
		if (tag->compare((const char *)&tags + tag->offset, wanted) == 0)
			add_match(&match, entry->d_name);
	}
	closedir(dir);
	if (!match.name[0])
		return error_set(err, ENODEV, "%s: no such device", spec);
	if (match.several)
		return error_set(err, EEXIST, "%s: more than one device has this name", spec);
	sysfs_node(match.name, path, size);
	return 0;
}

int disk_find(const char *spec, char *path, size_t size, struct error *err)
{
	const struct tag *tag = find_tag(spec);
	struct stat st;

	if (tag)
		return find_by_tag(tag, spec, path, size, err);
	if (stat(spec, &st))
		return error_set(err, ENODEV, "%s: no such device", spec);
	if ((size_t)snprintf(path, size, "%s", spec) >= size)
		return error_set(err, ENAMETOOLONG, "%s: path too long", spec);
	return 0;
}
