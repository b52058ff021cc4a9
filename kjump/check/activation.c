/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fstab, crypttab and partition types. */
#include "kjump/check/activation.h"

#include <glob.h>
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

/* Which swap area of fstab is meant: the device PATH by whatever name, or what stands there as
 * NAME. */
struct area {
	const char *path, *name;
};

static bool is_area(const struct area *area, const char *source)
{
	return area->path ? is_same(source, area->path) : !strcmp(source, area->name);
}

static bool find_in_fstab(const char *file, const struct area *area, char *text, size_t size)
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

		found = source && mnt_fs_is_swaparea(fs) && is_area(area, source);
		if (found)
			snprintf(text, size, "%s makes swap of %s", file, source);
	}
	mnt_free_iter(next);
	mnt_unref_table(table);
	return found;
}

/* Is WORD one of the options, which commas divide, with a value or without? */
static bool has_option(const char *options, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = options; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
		if (!strncmp(at, word, length) && (!at[length] || strchr(",=", at[length])))
			return true;
	return false;
}

/* A key that is another one at each boot: what is on the device is of no use to anybody. */
static bool is_random(const char *key)
{
	static const char *const sources[] = { "/dev/urandom", "/dev/random", "/dev/hwrng",
					       "/dev/hw_random" };

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		if (!strcmp(key, sources[i]))
			return true;
	}
	return false;
}

/* A line of crypttab(5): a name, a device, a key file and options. */
struct mapping {
	char name[256], device[256], key[256], options[256];
};

static bool read_mapping(const char *line, struct mapping *ret)
{
	*ret = (struct mapping){ .key = "" };
	return sscanf(line, "%255s %255s %255s %255s", ret->name, ret->device, ret->key,
		      ret->options) >= 2 &&
	       *ret->name != '#';
}

/* What the line makes of its device at each boot, of which nothing is left; NULL for nothing. */
static const char *made_of(const struct mapping *mapping)
{
	if (has_option(mapping->options, "swap"))
		return "makes encrypted swap of";
	if (has_option(mapping->options, "tmp"))
		return "makes a new file system at each boot on";
	return is_random(mapping->key) ? "encrypts with a new key at each boot" : NULL;
}

/* By the line itself, or by one of fstab that swaps to what it makes. */
static bool find_in_crypttab(const char *root, const char *path, char *text, size_t size)
{
	char file[512], fstab[512], line[1024], name[300];
	const struct area area = { .name = name };
	struct mapping mapping;
	bool found = false;
	FILE *table;

	snprintf(file, sizeof(file), "%s/etc/crypttab", root);
	snprintf(fstab, sizeof(fstab), "%s/etc/fstab", root);
	table = fopen(file, "re");
	while (table && !found && fgets(line, sizeof(line), table)) {
		const char *what;

		if (!read_mapping(line, &mapping) || !is_same(mapping.device, path))
			continue;
		what = made_of(&mapping);
		snprintf(name, sizeof(name), "/dev/mapper/%s", mapping.name);
		found = what || find_in_fstab(fstab, &area, text, size);
		if (what)
			snprintf(text, size, "%s %s %s", file, what, mapping.device);
	}
	if (table)
		fclose(table);
	return found;
}

/* Does the unit in FILE swap to the device? */
static bool is_swap_unit_of(const char *file, const char *path)
{
	char line[1024], device[512];
	FILE *unit = fopen(file, "re");
	bool found = false;

	while (unit && !found && fgets(line, sizeof(line), unit))
		found = sscanf(line, " What = %511s", device) == 1 && is_same(device, path);
	if (unit)
		fclose(unit);
	return found;
}

/* systemd.swap(5): those that an administrator wrote, which no generator makes of fstab. */
static bool find_in_units(const char *root, const char *path, char *text, size_t size)
{
	char pattern[512];
	glob_t units = { 0 };
	bool found = false;

	snprintf(pattern, sizeof(pattern), "%s/etc/systemd/system/*.swap", root);
	if (glob(pattern, 0, NULL, &units))
		return false;
	for (size_t i = 0; i < units.gl_pathc && !found; i++) {
		found = is_swap_unit_of(units.gl_pathv[i], path);
		if (found)
			snprintf(text, size, "%s makes swap of %s", units.gl_pathv[i], path);
	}
	globfree(&units);
	return found;
}

bool activation_by_line(const char *root, const char *path, char *text, size_t size)
{
	const struct area area = { .path = path };
	char file[512];

	snprintf(file, sizeof(file), "%s/etc/fstab", root);
	return find_in_fstab(file, &area, text, size) || find_in_crypttab(root, path, text, size) ||
	       find_in_units(root, path, text, size);
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
