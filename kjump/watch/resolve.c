/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that is mounted, in all mount namespaces. */
#include "kjump/watch/resolve.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "disk/probe.h"
#include "disk/sysfs.h"
#include "kjump/watch/internal.h"
#include "kjump/watch/loop.h"
#include "kjump/watch/mounts.h"
#include "kjump/watch/namespaces.h"

/* --- file systems over several devices --- */

/* The block device under the mount. Some show a number that is none. */
static bool find_device(const struct mount *mount, dev_t *ret)
{
	struct stat st;

	*ret = makedev(mount->major, mount->minor);
	if (mount->major)
		return true;
	if (mount->source[0] != '/' || stat(mount->source, &st) || !S_ISBLK(st.st_mode))
		return false;
	*ret = st.st_rdev;
	return true;
}

/*
 * Each that is mounted has a directory named after its UUID in ROOT, and in it, or in its SUB,
 * its devices: as links, or as directories with a link "block".
 */
static int watch_members(struct resolver *resolver, const char *path, const struct mount *mount,
			 size_t *found, struct error *err)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int code = 0;

	if (!directory)
		return 0;
	while (!code && (entry = readdir(directory))) {
		char link[PATH_MAX], name[BLOCK_NAME_SIZE];
		struct subject subject = { mount->target, mount->type, name };

		if (entry->d_name[0] == '.')
			continue;
		snprintf(link, sizeof(link), "%.2000s/%s/block", path, entry->d_name);
		if (access(link, F_OK))
			snprintf(link, sizeof(link), "%.2000s/%s", path, entry->d_name);
		if (sysfs_link(link, 0, name, err) || !sysfs_has(name, "size"))
			continue;
		code = watch_file_system(resolver, &subject, "", err);
		(*found)++;
	}
	closedir(directory);
	return code;
}

/* Has the pool in PATH the device NAME as a member? */
static bool has_member(const char *path, const char *name)
{
	char member[768];

	snprintf(member, sizeof(member), "%.500s/%.64s", path, name);
	return !access(member, F_OK);
}

/*
 * The pool that MOUNT shows, or all of its kind in ROOT when its source does not say which: as
 * "/dev/root", or the members of bcachefs that go by numbers.
 */
static int watch_pools(struct resolver *resolver, const char *root, const char *sub,
		       const struct mount *mount, struct error *err)
{
	const struct subject subject = { mount->target, mount->type, "" };
	char name[BLOCK_NAME_SIZE] = "";
	DIR *directory = opendir(root);
	struct error ignored = { 0 };
	struct dirent *entry;
	size_t found = 0;
	int code = 0;
	dev_t device;

	if (find_device(mount, &device))
		sysfs_name(major(device), minor(device), name, &ignored);
	while (directory && !code && (entry = readdir(directory))) {
		char path[512];

		/* A UUID; besides there is "features". */
		if (strlen(entry->d_name) != 36)
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", root, entry->d_name, sub);
		if (known_is(resolver, entry->d_name)) {
			found += !*name || !*sub || has_member(path, name);
		} else if (!*name || !*sub || has_member(path, name)) {
			code = known_add(resolver, entry->d_name, err);
			if (!code)
				code = watch_members(resolver, path, mount, &found, err);
		}
	}
	if (directory)
		closedir(directory);
	if (!code && !found)
		doubt_add(resolver, &subject, "its devices are not found", false);
	return code;
}

/* Every device that says it belongs to the pool. */
static int watch_zpool(struct resolver *resolver, const struct mount *mount, struct error *err)
{
	size_t found = 0, length = strcspn(mount->source, "/");
	char pool[256], name[BLOCK_NAME_SIZE] = "";
	struct subject subject = { pool, mount->type, name };
	DIR *directory = opendir("/sys/class/block");
	struct dirent *entry;
	int code = 0;

	snprintf(pool, sizeof(pool), "%.*s", (int)length, mount->source);
	while (directory && !code && (entry = readdir(directory))) {
		struct disk_tags tags;

		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= sizeof(name) ||
		    sysfs_number(entry->d_name, "size") <= 0)
			continue;
		probe_tags(entry->d_name, &tags);
		if (strcmp(tags.type, "zfs_member") || strcmp(tags.label, pool))
			continue;
		strcpy(name, entry->d_name);
		code = watch_file_system(resolver, &subject, "", err);
		found++;
	}
	if (directory)
		closedir(directory);
	name[0] = '\0';
	if (!code && !found)
		doubt_add(resolver, &subject, "its devices are not found", false);
	return code;
}

/* --- file systems on one device --- */

static int watch_single(struct resolver *resolver, const struct mount *mount, struct error *err)
{
	char name[BLOCK_NAME_SIZE] = "";
	struct subject subject = { mount->target, mount->type, name };
	struct error gone = { 0 };
	dev_t device;

	if (!find_device(mount, &device))
		return 0;
	if (sysfs_name(major(device), minor(device), name, &gone)) {
		name[0] = '\0';
		doubt_add(resolver, &subject, "its device is not there any more", false);
		return 0;
	}
	/* Memory. */
	if (known_is(resolver, name) || !strncmp(name, "ram", 3) || !strncmp(name, "zram", 4))
		return 0;
	if (!strncmp(name, "loop", 4)) {
		const char *why = loop_obstacle(name);

		/* Files of other file systems are watched with those. */
		if (why)
			doubt_add(resolver, &subject, why, false);
		return known_add(resolver, name, err);
	}
	return watch_file_system(resolver, &subject, mount->options, err);
}

/* On flash without a block layer, which nobody resolves. */
static bool is_flash(const struct mount *mount)
{
	return !strcmp(mount->type, "ubifs") || !strcmp(mount->type, "jffs2");
}

static int watch_mount(void *context, const struct mount *mount, struct error *err)
{
	struct resolver *resolver = context;

	if (!strcmp(mount->type, "zfs"))
		return watch_zpool(resolver, mount, err);
	if (!strcmp(mount->type, "btrfs"))
		return watch_pools(resolver, "/sys/fs/btrfs", "/devices", mount, err);
	if (!strcmp(mount->type, "bcachefs"))
		return watch_pools(resolver, "/sys/fs/bcachefs", "", mount, err);
	if (is_flash(mount)) {
		doubt_add(resolver, &(struct subject){ mount->target, mount->type, "" },
			  "kjump does not know where this kind of file system changes", false);
		return 0;
	}
	return watch_single(resolver, mount, err);
}

/* The header pages to be sealed come first. */
static int place_seals(struct resolver *resolver, struct error *err)
{
	struct watch_list *list = resolver->list;
	size_t count = resolver->seal_count;

	if (count > list->max - list->count)
		return error_set(err, E2BIG, "more than %zu extents to watch", list->max);
	memmove(list->watch + count, list->watch, list->count * sizeof(*list->watch));
	memcpy(list->watch, resolver->seals, count * sizeof(*list->watch));
	list->count += count;
	list->seals = count;
	return 0;
}

int watch_resolve(const struct watch_source *source, const char *allowed, struct watch_list *ret,
		  struct error *err)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	char swaps[512];
	int code;

	ret->count = ret->seals = ret->doubt_count = 0;
	if (!resolver)
		return error_set(err, ENOMEM, "no memory");
	resolver->list = ret;
	resolver->allowed = allowed;
	snprintf(swaps, sizeof(swaps), "%s/swaps", source->proc);
	code = watch_swap(resolver, swaps, err);
	if (!code)
		code = namespaces_each(source->proc, watch_mount, resolver, err);
	if (!code)
		code = watch_leftover(resolver, source->devices, source->target, err);
	if (!code)
		code = place_seals(resolver, err);
	free(resolver->known);
	tags_free(&resolver->tags);
	free(resolver);
	return code;
}
