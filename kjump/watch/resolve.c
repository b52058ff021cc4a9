/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which raw bytes to watch while A is away. */
#include "kjump/watch/resolve.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "disk/disk.h"
#include "disk/probe.h"
#include "disk/sysfs.h"
#include "kjump/fs/fs.h"
#include "kjump/watch/mapping.h"
#include "kjump/watch/mounts.h"

/* Of a device below others: where RAID, LVM and LUKS keep their headers. */
#define LAYER_HEAD 1048576
#define LAYER_TAIL 131072
#define DEPTH_MAX  8
#define SEEN_MAX   256

struct resolver {
	struct watch *watch;
	size_t max, count;
	/* The tag of the device asked for last: most come several times in a row. */
	char name[BLOCK_NAME_SIZE];
	char tag[sizeof(((struct watch *)0)->tag)];
	/* Devices done already: one may be mounted hundreds of times. */
	dev_t seen[SEEN_MAX];
	size_t seen_count;
};

/* --- watches --- */

static void make_tag(struct resolver *resolver, const char *name)
{
	if (!strcmp(resolver->name, name))
		return;
	strcpy(resolver->name, name);
	if (probe_name(name, resolver->tag, sizeof(resolver->tag)))
		return;
	resolver->tag[0] = '\0';
	message("%s: no UUID; changes on it while the machine is off go unnoticed", name);
}

static int add_watch(struct resolver *resolver, const struct place *place, struct error *err)
{
	struct watch watch = { .offset = place->offset, .length = place->length };

	make_tag(resolver, place->name);
	if (!resolver->tag[0])
		return 0;
	strcpy(watch.tag, resolver->tag);
	for (size_t i = 0; i < resolver->count; i++) {
		const struct watch *old = &resolver->watch[i];

		if (!strcmp(old->tag, watch.tag) && watch.offset >= old->offset &&
		    watch.offset + watch.length <= old->offset + old->length)
			return 0;
	}
	if (resolver->count == resolver->max)
		return error_set(err, E2BIG, "more than %zu extents to watch", resolver->max);
	resolver->watch[resolver->count++] = watch;
	return 0;
}

/* Watch bytes of a device, wherever they lie; where that cannot be told, its layers must do. */
static int watch_bytes(struct resolver *resolver, const char *name, uint64_t offset,
		       uint64_t length, struct error *err)
{
	struct place place = { .offset = offset, .length = length };
	struct places places = { .n = 0 };
	int code;

	strcpy(place.name, name);
	code = mapping_resolve(&place, &places, err);
	if (code == -ENOTSUP) {
		message("%s; not all changes while the machine is off will be noticed", err->text);
		return 0;
	}
	for (size_t i = 0; i < places.n && !code; i++)
		code = add_watch(resolver, &places.v[i], err);
	return code;
}

/* --- devices --- */

static int watch_file_system(struct resolver *resolver, const char *name, const char *type,
			     struct error *err)
{
	struct extents extents = { .n = 0 };
	struct disk disk;
	char path[BLOCK_NAME_SIZE + 8];
	int code;

	sysfs_node(name, path, sizeof(path));
	code = disk_open(path, DISK_READ, &disk, err);
	if (code)
		return code;
	code = fs_extents(&disk, type, &extents, err);
	if (code)
		error_prefix(err, "%s", path);
	for (size_t i = 0; i < extents.n && !code; i++)
		code = watch_bytes(resolver, name, extents.v[i].offset, extents.v[i].length, err);
	disk_close(&disk);
	return code;
}

static int watch_layer(struct resolver *resolver, const char *name, struct error *err)
{
	long long sectors = sysfs_number(name, "size");
	uint64_t size = sectors > 0 ? (uint64_t)sectors * 512 / DISK_ALIGN * DISK_ALIGN : 0;
	int code;

	if (size <= LAYER_HEAD + LAYER_TAIL)
		return size ? watch_bytes(resolver, name, 0, size, err) : 0;
	code = watch_bytes(resolver, name, 0, LAYER_HEAD, err);
	if (!code)
		code = watch_bytes(resolver, name, size - LAYER_TAIL, LAYER_TAIL, err);
	return code;
}

static int watch_layers_below(struct resolver *resolver, const char *name, int depth,
			      struct error *err)
{
	struct dirent *entry;
	char path[512];
	int code = 0;
	DIR *dir;

	/* A partition has no such list; that of the whole device is one up. */
	snprintf(path, sizeof(path), "/sys/class/block/%s/%s", name,
		 sysfs_number(name, "partition") > 0 ? "../slaves" : "slaves");
	dir = depth < DEPTH_MAX ? opendir(path) : NULL;
	if (!dir)
		return 0;
	while (!code && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= BLOCK_NAME_SIZE)
			continue;
		code = watch_layer(resolver, entry->d_name, err);
		if (!code)
			code = watch_layers_below(resolver, entry->d_name, depth + 1, err);
	}
	closedir(dir);
	return code;
}

/* --- mounts --- */

/* The block device under the mount. btrfs and others show a number that is none. */
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

static bool seen_before(struct resolver *resolver, dev_t device)
{
	for (size_t i = 0; i < resolver->seen_count; i++)
		if (resolver->seen[i] == device)
			return true;
	if (resolver->seen_count < SEEN_MAX)
		resolver->seen[resolver->seen_count++] = device;
	return false;
}

static int watch_mount(void *context, const struct mount *mount, struct error *err)
{
	struct resolver *resolver = context;
	char name[BLOCK_NAME_SIZE];
	dev_t device;
	int code;

	if (!find_device(mount, &device) || seen_before(resolver, device))
		return 0;
	/* Memory, and files of other file systems, which are watched themselves. */
	if (sysfs_name(major(device), minor(device), name, err) || !strncmp(name, "ram", 3) ||
	    !strncmp(name, "zram", 4) || !strncmp(name, "loop", 4))
		return 0;
	code = watch_file_system(resolver, name, mount->type, err);
	if (!code)
		code = watch_layers_below(resolver, name, 0, err);
	return code;
}

int watch_resolve(const char *mountinfo, struct watch *watch, size_t max, size_t *count,
		  struct error *err)
{
	struct resolver resolver = { .watch = watch, .max = max };
	int code = mounts_each(mountinfo, watch_mount, &resolver, err);

	*count = resolver.count;
	return code;
}
