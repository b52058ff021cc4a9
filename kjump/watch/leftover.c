/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no mount and no swap area shows. The kernel lets one holder have a block device for itself
 * (bd_prepare_to_claim); file systems, swap, arrays, volumes and pools do so. Who is not among
 * those that were found is somebody else: a file system that was unmounted lazily, or is mounted in
 * a namespace that no process is in; an imported pool of which nothing is mounted; a disk that is
 * exported to another machine.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kjump/watch/internal.h"
#include "kjump/watch/loop.h"
#include "kjump/watch/reach.h"

#define HELD "holds it, and no mount and no swap area shows what; other systems may write there"

struct sweep {
	struct resolver *resolver;
	const struct devices_source *source;
	char target[BLOCK_NAME_SIZE]; /* "" = none */
};

static void block_path(const struct sweep *sweep, const char *name, const char *entry,
		       char path[512])
{
	snprintf(path, 512, "%.100s/class/block/%.64s%.256s", sweep->source->sys, name, entry);
}

static bool has_entry(const struct sweep *sweep, const char *name, const char *entry)
{
	char path[512];
	struct stat st;

	block_path(sweep, name, entry, path);
	return !stat(path, &st);
}

/* Is there an entry that IS_WANTED of the directory FOLDER ("" or "/...") of the device NAME? */
static bool any_entry(const struct sweep *sweep, const char *name, const char *folder,
		      bool (*is_wanted)(const struct sweep *sweep, const char *name,
					const char *entry))
{
	char path[512];
	bool found = false;
	struct dirent *entry;
	DIR *dir;

	block_path(sweep, name, folder, path);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' && is_wanted(sweep, name, entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

static bool is_holder(const struct sweep *sweep, const char *name, const char *entry)
{
	(void)sweep, (void)name, (void)entry;
	return true;
}

/* Arrays and volumes on it are looked at themselves. */
static bool has_holders(const struct sweep *sweep, const char *name)
{
	return any_entry(sweep, name, "/holders", is_holder);
}

/* Is it memory, or a disk that is not there? */
static bool is_no_disk(const struct sweep *sweep, const char *name)
{
	return name[0] == '.' || strlen(name) >= BLOCK_NAME_SIZE || !strncmp(name, "ram", 3) ||
	       !strncmp(name, "zram", 4) || !has_entry(sweep, name, "");
}

/* Whoever holds a partition holds the disk, and the other way round. */
static bool is_explained(const struct sweep *sweep, const char *name)
{
	return known_is(sweep->resolver, name) || !strcmp(name, sweep->target) ||
	       has_holders(sweep, name);
}

static bool is_held_partition(const struct sweep *sweep, const char *disk, const char *entry)
{
	char partition[256];

	snprintf(partition, sizeof(partition), "/%.64s/partition", entry);
	return has_entry(sweep, disk, partition) && sweep->source->in_use(entry);
}

/* A partition that is held is judged itself. */
static bool explained_by_partition(const struct sweep *sweep, const char *disk)
{
	return any_entry(sweep, disk, "", is_held_partition);
}

static bool explained_by_disk(const struct sweep *sweep, const char *partition)
{
	char path[512], disk[BLOCK_NAME_SIZE];
	struct error ignored = { 0 };

	block_path(sweep, partition, "", path);
	return !sysfs_link(path, 1, disk, &ignored) && is_explained(sweep, disk);
}

static void judge(const struct sweep *sweep, const char *name)
{
	const struct subject subject = { "something", "in use", name };
	bool partition = has_entry(sweep, name, "/partition");

	if (is_explained(sweep, name) || !sweep->source->in_use(name))
		return;
	if (partition ? explained_by_disk(sweep, name) : explained_by_partition(sweep, name))
		return;
	/* A file's bytes are watched with the file system that it lies in. */
	if (strncmp(name, "loop", 4))
		doubt_add(sweep->resolver, &subject, HELD, false);
	else if (loop_obstacle(name))
		doubt_add(sweep->resolver, &subject, loop_obstacle(name), false);
}

/* bcache and DRBD have maps of their own in memory, and hold what they lie on. NULL for others. */
static const char *keeps_maps(const char *name)
{
	static const char *const prefix[] = { "bcache", "drbd" };

	for (size_t i = 0; i < sizeof(prefix) / sizeof(*prefix); i++)
		if (!strncmp(name, prefix[i], strlen(prefix[i])))
			return reach_obstacle(name, "");
	return NULL;
}

/*
 * An array or a volume that is there and not mounted is A's all the same: it knows its state. Where
 * that cannot be watched it is no reason to refuse if the driver has nothing in memory that another
 * system could make untrue (mapping_state()): nothing of it is in use.
 */
static int watch_stack(const struct sweep *sweep, const char *name, struct error *err)
{
	const struct subject subject = { "an array or volume", "not mounted", name };
	int code;

	if (has_holders(sweep, name) || known_is(sweep->resolver, name) ||
	    has_entry(sweep, name, "/partition"))
		return 0;
	if (keeps_maps(name)) {
		doubt_add(sweep->resolver, &subject, keeps_maps(name), false);
		return 0;
	}
	if (!has_entry(sweep, name, "/dm") && !has_entry(sweep, name, "/md"))
		return 0;
	sweep->resolver->idle = true;
	code = watch_layers(sweep->resolver, &subject, err);
	sweep->resolver->idle = false;
	return code;
}

static void find_target(struct sweep *sweep, const char *target)
{
	struct error ignored = { 0 };
	struct stat st;

	if (*target && !stat(target, &st) && S_ISBLK(st.st_mode))
		sysfs_name(major(st.st_rdev), minor(st.st_rdev), sweep->target, &ignored);
}

int watch_leftover(struct resolver *resolver, const struct devices_source *source,
		   const char *target, struct error *err)
{
	struct sweep sweep = { .resolver = resolver, .source = source };
	struct dirent *entry;
	char path[512];
	int code = 0;
	DIR *dir;

	find_target(&sweep, target);
	block_path(&sweep, "", "", path);
	dir = opendir(path);
	if (!dir) /* a kernel without block devices */
		return errno == ENOENT ? 0 : error_errno(err, "%s", path);
	while (!code && (entry = readdir(dir))) {
		if (is_no_disk(&sweep, entry->d_name))
			continue;
		judge(&sweep, entry->d_name);
		code = watch_stack(&sweep, entry->d_name, err);
	}
	closedir(dir);
	return code;
}
