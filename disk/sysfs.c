/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes and links of block devices. */
#include "disk/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/files.h"

#define CLASS_BLOCK "/sys/class/block"
#define DEPTH_MAX   8

bool sysfs_text(const char *name, const char *attribute, char *text, size_t size)
{
	struct error ignored = { 0 };
	char path[768];

	snprintf(path, sizeof(path), CLASS_BLOCK "/%.255s/%.400s", name, attribute);
	return !file_read(path, text, size, &ignored);
}

long long sysfs_number(const char *name, const char *attribute)
{
	char text[32], *end;
	long long value;

	if (!sysfs_text(name, attribute, text, sizeof(text)))
		return -1;
	value = strtoll(text, &end, 10);
	return end == text ? -1 : value;
}

bool sysfs_has(const char *name, const char *entry)
{
	char path[768];

	snprintf(path, sizeof(path), CLASS_BLOCK "/%.255s/%.400s", name, entry);
	return access(path, F_OK) == 0;
}

void sysfs_node(const char *name, char *path, size_t size)
{
	snprintf(path, size, "/dev/%s", name);
	for (char *c = path + 5; *c; c++)
		if (*c == '!') /* how sysfs writes a slash */
			*c = '/';
}

int sysfs_link(const char *path, int up, char name[BLOCK_NAME_SIZE], struct error *err)
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

int sysfs_name(unsigned major, unsigned minor, char name[BLOCK_NAME_SIZE], struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major, minor);
	return sysfs_link(path, 0, name, err);
}

int sysfs_whole(const char *name, char whole[BLOCK_NAME_SIZE], struct error *err)
{
	char path[512];

	snprintf(path, sizeof(path), CLASS_BLOCK "/%.255s", name);
	return sysfs_link(path, 1, whole, err);
}

static bool suspended(const char *name, int depth)
{
	const struct dirent *entry;
	char path[600];
	bool found = sysfs_number(name, "dm/suspended") == 1;
	DIR *slaves;

	/* A partition has no such list; that of the whole device is one up. */
	snprintf(path, sizeof(path), CLASS_BLOCK "/%.255s/%s", name,
		 sysfs_has(name, "partition") ? "../slaves" : "slaves");
	slaves = found || depth == DEPTH_MAX ? NULL : opendir(path);
	while (slaves && !found && (entry = readdir(slaves)))
		found = *entry->d_name != '.' && suspended(entry->d_name, depth + 1);
	if (slaves)
		closedir(slaves);
	return found;
}

bool sysfs_suspended(const char *name)
{
	return suspended(name, 0);
}
