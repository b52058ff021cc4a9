/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fstab, crypttab and partition types. */
#include "kjump/check/activation.h"

#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "disk/disk.h"
#include "disk/probe.h"
#include "disk/sysfs.h"

#define TYPE_GPT "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"
#define TYPE_MBR "0x82"

/* Do the name SPEC and PATH stand for one device? */
static bool is_same(const char *spec, const char *path)
{
	struct error ignored = { 0 };
	struct stat one, other;
	char found[512];

	if (disk_find(spec, found, sizeof(found), &ignored) || stat(found, &one) ||
	    stat(path, &other))
		return false;
	return S_ISBLK(one.st_mode) ? S_ISBLK(other.st_mode) && one.st_rdev == other.st_rdev
				    : one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int skip_line(struct libmnt_table *table, const char *file, int line)
{
	(void)table;
	(void)file;
	(void)line;
	return 1;
}

static bool find_in_fstab(const char *file, const char *path, char *text, size_t size)
{
	struct libmnt_table *table = mnt_new_table();
	struct libmnt_iter *next = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	bool found = false;

	if (table && next) {
		mnt_table_set_parser_errcb(table, skip_line);
		mnt_table_parse_fstab(table, file);
	}
	while (table && next && !found && !mnt_table_next_fs(table, next, &fs)) {
		const char *source = mnt_fs_get_source(fs);

		found = source && mnt_fs_is_swaparea(fs) && is_same(source, path);
		if (found)
			snprintf(text, size, "%s makes swap of %s", file, source);
	}
	mnt_free_iter(next);
	mnt_unref_table(table);
	return found;
}

/* Is WORD one of the options, which commas divide? */
static bool has_option(const char *options, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = options; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
		if (!strncmp(at, word, length) && (!at[length] || at[length] == ','))
			return true;
	return false;
}

/* Lines of a name, a device, a key file and options. */
static bool find_in_crypttab(const char *file, const char *path, char *text, size_t size)
{
	char line[1024], device[256], options[256];
	FILE *table = fopen(file, "re");
	bool found = false;

	while (table && !found && fgets(line, sizeof(line), table)) {
		if (*line == '#' || sscanf(line, "%*s %255s %*s %255s", device, options) != 2 ||
		    !has_option(options, "swap") || !is_same(device, path))
			continue;
		found = true;
		snprintf(text, size, "%s makes encrypted swap of %s", file, device);
	}
	if (table)
		fclose(table);
	return found;
}

bool activation_by_line(const char *root, const char *path, char *text, size_t size)
{
	char file[512];

	snprintf(file, sizeof(file), "%s/etc/fstab", root);
	if (find_in_fstab(file, path, text, size))
		return true;
	snprintf(file, sizeof(file), "%s/etc/crypttab", root);
	return find_in_crypttab(file, path, text, size);
}

bool activation_by_type(const char *path)
{
	char name[BLOCK_NAME_SIZE];
	struct error ignored = { 0 };
	struct disk_tags tags;
	struct stat st;

	if (stat(path, &st) || !S_ISBLK(st.st_mode) ||
	    sysfs_name(major(st.st_rdev), minor(st.st_rdev), name, &ignored))
		return false;
	probe_tags(name, &tags);
	return !strcasecmp(tags.parttype, TYPE_GPT) || !strcmp(tags.parttype, TYPE_MBR);
}
