/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which raw bytes to watch while A is away, and hashing them. */
#include "disk/fingerprint.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <xxhash.h>

#include "common/safe.h"
#include "disk/disk.h"
#include "disk/fs.h"
#include "disk/mapping.h"
#include "disk/probe.h"

/* Of a device below others: where RAID, LVM and LUKS keep their headers. */
#define LAYER_HEAD 1048576
#define LAYER_TAIL 131072
#define DEPTH_MAX  8
#define HASH_STEP  1048576
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

	probe_path(name, path, sizeof(path));
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
	long long sectors = mapping_attribute(name, "size");
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
		 mapping_attribute(name, "partition") > 0 ? "../slaves" : "slaves");
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

/* --- mountinfo --- */

struct mount {
	unsigned major, minor;
	char type[64];
	char source[512];
};

/* Spaces and the like stand in mountinfo as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		unsigned value;

		if (from[0] == '\\' && sscanf(from + 1, "%3o", &value) == 1) {
			*to = value;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static bool parse_mount(const char *line, struct mount *ret)
{
	const char *separator = strstr(line, " - ");

	if (!separator || sscanf(line, "%*u %*u %u:%u", &ret->major, &ret->minor) != 2 ||
	    sscanf(separator, " - %63s %511s", ret->type, ret->source) != 2)
		return false;
	unescape(ret->source);
	return true;
}

/* Is there a block device under the mount? btrfs and others show a number that is none. */
static bool find_device(struct mount *mount)
{
	struct stat st;

	if (mount->major)
		return true;
	if (mount->source[0] != '/' || stat(mount->source, &st) || !S_ISBLK(st.st_mode))
		return false;
	mount->major = major(st.st_rdev);
	mount->minor = minor(st.st_rdev);
	return true;
}

static bool seen_before(struct resolver *resolver, const struct mount *mount)
{
	dev_t device = makedev(mount->major, mount->minor);

	for (size_t i = 0; i < resolver->seen_count; i++)
		if (resolver->seen[i] == device)
			return true;
	if (resolver->seen_count < SEEN_MAX)
		resolver->seen[resolver->seen_count++] = device;
	return false;
}

static int watch_mount(struct resolver *resolver, const char *line, struct error *err)
{
	char name[BLOCK_NAME_SIZE];
	struct mount mount;
	int code;

	if (!parse_mount(line, &mount) || !find_device(&mount) || seen_before(resolver, &mount))
		return 0;
	/* Memory, and files of other file systems, which are watched themselves. */
	if (mapping_name(mount.major, mount.minor, name, err) || !strncmp(name, "ram", 3) ||
	    !strncmp(name, "zram", 4) || !strncmp(name, "loop", 4))
		return 0;
	code = watch_file_system(resolver, name, mount.type, err);
	if (!code)
		code = watch_layers_below(resolver, name, 0, err);
	return code;
}

int fingerprint_resolve(const char *mountinfo, struct watch *watch, size_t max, size_t *count,
			struct error *err)
{
	struct resolver resolver = { .watch = watch, .max = max };
	FILE *file = fopen(mountinfo, "re");
	char *line = NULL;
	size_t room = 0;
	int code = 0;

	if (!file)
		return error_errno(err, "%s", mountinfo);
	while (!code && getline(&line, &room, file) >= 0)
		code = watch_mount(&resolver, line, err);
	if (!code && ferror(file))
		code = error_set(err, EIO, "%s: cannot read", mountinfo);
	free(line);
	fclose(file);
	*count = resolver.count;
	return code;
}

/* --- hashing --- */

/* Whole blocks are read, exactly the named bytes are hashed. */
static int hash_extent(const struct disk *disk, const struct watch *watch, XXH3_state_t *state,
		       struct error *err)
{
	unsigned char *buffer = disk_buffer(HASH_STEP);
	uint64_t at = watch->offset, left = watch->length;
	int code = 0;

	if (!buffer)
		return error_set(err, ENOMEM, "no memory");
	while (left && !code) {
		size_t skip = at % DISK_ALIGN;
		size_t size = left < HASH_STEP - skip ? left : HASH_STEP - skip;

		code = disk_read(disk, buffer, safe_round_up(skip + size, DISK_ALIGN), at - skip,
				 err);
		if (!code)
			XXH3_64bits_update(state, buffer + skip, size);
		at += size;
		left -= size;
	}
	free(buffer);
	return code;
}

int fingerprint_hash(const struct watch *watch, uint64_t *hash, struct error *err)
{
	XXH3_state_t *state = NULL;
	struct disk disk;
	char path[512];
	int code;

	if (!memchr(watch->tag, '\0', sizeof(watch->tag)))
		return error_set(err, EUCLEAN, "fingerprint without a device");
	code = disk_find(watch->tag, path, sizeof(path), err);
	if (!code)
		code = disk_open(path, DISK_READ, &disk, err);
	if (code)
		return code;
	state = XXH3_createState();
	if (!state) {
		code = error_set(err, ENOMEM, "no memory");
		goto out;
	}
	XXH3_64bits_reset(state);
	if (safe_within(watch->offset, watch->length, disk.size))
		code = hash_extent(&disk, watch, state, err);
	else
		code = error_set(err, EIO, "the device is smaller than it was");
	if (code)
		error_prefix(err, "%s", watch->tag);
	else
		*hash = XXH3_64bits_digest(state);
out:
	XXH3_freeState(state);
	disk_close(&disk);
	return code;
}
