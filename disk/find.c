/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which block device answers to a name. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* One digit, or -1. */
static int hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/* TEXT as it was before udev wrote "\x20" for what is not fit for the name of a file. */
static void decode(const char *text, char *ret, size_t size)
{
	while (*text && size > 1) {
		int high = text[0] == '\\' && text[1] == 'x' ? hex_digit(text[2]) : -1;
		int low = high >= 0 ? hex_digit(text[3]) : -1;

		*ret++ = low >= 0 ? (char)(high << 4 | low) : *text;
		text += low >= 0 ? 4 : 1;
		size--;
	}
	*ret = '\0';
}

/* The value of a tag in SPEC without the quotes that fstab and blkid put around it. */
static void unquote(const char *value, char *ret, size_t size)
{
	size_t length = strlen(value);
	bool quoted =
		length >= 2 && (*value == '"' || *value == '\'') && value[length - 1] == *value;

	snprintf(ret, size, "%.*s", (int)(length - (quoted ? 2 : 0)), value + quoted);
}

static const struct tag *find_tag(const char *spec)
{
	for (size_t i = 0; i < sizeof(known_tags) / sizeof(known_tags[0]); i++)
		if (!strncmp(spec, known_tags[i].prefix, strlen(known_tags[i].prefix)))
			return &known_tags[i];
	return NULL;
}

bool disk_spec_is_file(const char *spec, char *device, size_t size, uint64_t *place)
{
	static const char *const tags[] = { "UUID=", "UUID_SUB=", "PARTUUID=" };
	const char *at = strrchr(spec, '@');
	char *end;

	for (size_t i = 0; at && i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (strncmp(spec, tags[i], strlen(tags[i])) || !isdigit((unsigned char)at[1]) ||
		    (size_t)(at - spec) >= size)
			continue;
		errno = 0;
		*place = strtoull(at + 1, &end, 10);
		if (errno || *end)
			return false;
		snprintf(device, size, "%.*s", (int)(at - spec), spec);
		return true;
	}
	return false;
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

/* Names of devices in /sys/class/block. */
struct names {
	char (*v)[256];
	size_t n;
};

static int names_add(struct names *names, const char *name, struct error *err)
{
	void *more = realloc(names->v, (names->n + 1) * sizeof(*names->v));

	if (!more)
		return error_set(err, ENOMEM, "names of block devices: out of memory");
	names->v = more;
	snprintf(names->v[names->n++], sizeof(*names->v), "%s", name);
	return 0;
}

/*
 * The paths of a multipath disk answer to the same name as the map that holds them: when there
 * is a device without holders, those that have some do not count.
 */
static void drop_held(struct names *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->n; i++) {
		if (!has_holders(names->v[i]))
			memmove(names->v[kept++], names->v[i], sizeof(*names->v));
	}
	if (kept)
		names->n = kept;
}

static bool answers(const char *name, const struct tag *tag, const char *wanted)
{
	char decoded[sizeof(((struct disk_tags *)0)->label)];
	struct disk_tags tags;
	const char *value = (const char *)&tags + tag->offset;

	if (!worth_probing(name))
		return false;
	probe_tags(name, &tags);
	decode(wanted, decoded, sizeof(decoded));
	return *value && (!tag->compare(value, wanted) || !tag->compare(value, decoded));
}

static int find_by_tag(const struct tag *tag, const char *spec, struct names *ret,
		       struct error *err)
{
	char wanted[sizeof(((struct disk_tags *)0)->label)];
	struct dirent *entry;
	int rc = 0;
	DIR *dir;

	unquote(spec + strlen(tag->prefix), wanted, sizeof(wanted));
	if (!*wanted)
		return error_set(err, EINVAL, "%s: the value is missing", spec);
	dir = opendir("/sys/class/block");
	if (!dir)
		return error_errno(err, "/sys/class/block: cannot list block devices");
	while (!rc && (entry = readdir(dir))) {
		if (answers(entry->d_name, tag, wanted))
			rc = names_add(ret, entry->d_name, err);
	}
	closedir(dir);
	if (rc)
		return rc;
	drop_held(ret);
	if (ret->n)
		return 0;
	if (geteuid() != 0)
		return error_set(err, EACCES, "%s: only root may look at all devices", spec);
	return error_set(err, ENODEV, "%s: no such device", spec);
}

/* Which of them is meant only somebody can tell who knows what became of each. */
static int ambiguous(const char *spec, const struct names *names, struct error *err)
{
	char first[256], second[256];

	sysfs_node(names->v[0], first, sizeof(first));
	sysfs_node(names->v[1], second, sizeof(second));
	return error_set(err, EEXIST, "%s: more than one device has this name: %.60s, %.60s%s",
			 spec, first, second, names->n > 2 ? ", ..." : "");
}

static int find_one(const struct tag *tag, const char *spec, char *path, size_t size,
		    struct error *err)
{
	struct names names = { 0 };
	int rc = find_by_tag(tag, spec, &names, err);

	if (!rc && names.n > 1)
		rc = ambiguous(spec, &names, err);
	if (!rc)
		sysfs_node(names.v[0], path, size);
	free(names.v);
	return rc;
}

int disk_find(const char *spec, char *path, size_t size, struct error *err)
{
	const struct tag *tag = find_tag(spec);
	char device[128];
	struct stat st;
	uint64_t place;

	if (disk_spec_is_file(spec, device, sizeof(device), &place))
		return find_one(tag, device, path, size, err);

	if (tag)
		return find_one(tag, spec, path, size, err);
	if (stat(spec, &st))
		return error_set(err, ENODEV, "%s: no such device", spec);
	if ((size_t)snprintf(path, size, "%s", spec) >= size)
		return error_set(err, ENAMETOOLONG, "%s: path too long", spec);
	return 0;
}

int disk_find_all(const char *spec, disk_found found, void *context, struct error *err)
{
	const struct tag *tag = find_tag(spec);
	char path[256], device[128];
	struct names names = { 0 };
	uint64_t place;
	int rc;

	if (!tag) {
		rc = disk_find(spec, path, sizeof(path), err);
		if (!rc)
			found(context, path);
		return rc;
	}
	if (disk_spec_is_file(spec, device, sizeof(device), &place))
		spec = device;
	rc = find_by_tag(tag, spec, &names, err);
	for (size_t i = 0; !rc && i < names.n; i++) {
		sysfs_node(names.v[i], path, sizeof(path));
		found(context, path);
	}
	free(names.v);
	return rc;
}
