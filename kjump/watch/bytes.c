/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From bytes of a device to watched bytes of what lies at the bottom. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "disk/disk.h"
#include "disk/sysfs.h"
#include "kjump/fs/fs.h"
#include "kjump/watch/internal.h"
#include "kjump/watch/mapping.h"
#include "kjump/watch/reach.h"

/* Of a device below others: where RAID, LVM and LUKS keep their headers. */
#define LAYER_HEAD 1048576
#define LAYER_TAIL 131072
#define DEPTH_MAX  8

/* By which name kernel B finds the device NAME; false, with WHY, when it does not. */
static bool make_tag(struct resolver *resolver, const char *name, char tag[WATCH_TAG_SIZE],
		     char why[TAG_WHY_SIZE])
{
	const char *obstacle = reach_device(name);
	struct error err = { 0 };

	if (obstacle)
		snprintf(why, TAG_WHY_SIZE, "%s", obstacle);
	else if (tags_read(&resolver->tags, &err))
		snprintf(why, TAG_WHY_SIZE, "%.100s", err.text);
	else
		return tags_find(&resolver->tags, name, tag, WATCH_TAG_SIZE, why);
	return false;
}

static int add_watch(struct resolver *resolver, const struct subject *subject,
		     const struct place *place, struct error *err)
{
	struct subject bottom = { subject->where, subject->type, place->name };
	struct watch watch = { .offset = place->offset, .length = place->length };
	struct watch_list *list = resolver->list;
	char why[TAG_WHY_SIZE];
	const char *removable;

	if (!make_tag(resolver, place->name, watch.tag, why)) {
		doubt_add(resolver, &bottom, why, false);
		return 0;
	}
	removable = reach_removable_device(place->name);
	if (removable) {
		char text[128];

		snprintf(text, sizeof(text),
			 "%s, which must stay, and for which kernel B needs "
			 "the driver",
			 removable);
		doubt_add(resolver, &bottom, text, true);
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct watch *old = &list->watch[i];

		if (!strcmp(old->tag, watch.tag) && watch.offset >= old->offset &&
		    watch.offset + watch.length <= old->offset + old->length)
			return 0;
	}
	if (list->count == list->max)
		return error_set(err, E2BIG, "more than %zu extents to watch", list->max);
	list->watch[list->count++] = watch;
	return 0;
}

int watch_bytes(struct resolver *resolver, const struct subject *subject, uint64_t offset,
		uint64_t length, struct error *err)
{
	struct place place = { .offset = offset, .length = length };
	struct places places = { .n = 0 };
	int code;

	strcpy(place.name, subject->device);
	code = mapping_resolve(&place, &places, err);
	if (code == -ENOTSUP) {
		/* A file system's file is watched with that; an array counts what is written. */
		if (!places.in_file && !places.array)
			doubt_add(resolver, subject, err->text, false);
		return 0;
	}
	for (size_t i = 0; i < places.n && !code; i++)
		code = add_watch(resolver, subject, &places.v[i], err);
	return code;
}

bool watch_place(struct resolver *resolver, const struct subject *subject, uint64_t offset,
		 uint64_t length, struct watch *ret)
{
	struct place place = { .offset = offset, .length = length };
	struct places places = { .writable = true };
	struct error ignored = { 0 };
	char why[TAG_WHY_SIZE];

	strcpy(place.name, subject->device);
	if (mapping_resolve(&place, &places, &ignored) || places.n != 1 ||
	    places.v[0].offset % DISK_ALIGN)
		return false;
	*ret = (struct watch){ .offset = places.v[0].offset, .length = length };
	return make_tag(resolver, places.v[0].name, ret->tag, why);
}

/* --- layers below --- */

static int watch_layer(struct resolver *resolver, const struct subject *subject, struct error *err)
{
	long long sectors = sysfs_number(subject->device, "size");
	uint64_t size = sectors > 0 ? (uint64_t)sectors * 512 / DISK_ALIGN * DISK_ALIGN : 0;
	int code;

	if (size <= LAYER_HEAD + LAYER_TAIL)
		return size ? watch_bytes(resolver, subject, 0, size, err) : 0;
	code = watch_bytes(resolver, subject, 0, LAYER_HEAD, err);
	return code ? code : watch_bytes(resolver, subject, size - LAYER_TAIL, LAYER_TAIL, err);
}

static void doubt_scattered(struct resolver *resolver, const struct subject *subject)
{
	resolver->idle = false;
	doubt_add(resolver, subject,
		  "its driver keeps in memory what lies all over the devices below, and would not "
		  "notice that somebody changed it",
		  false);
	resolver->idle = true;
}

/* One of the devices below another whose state is ABOVE, with IDLE of the resolver. */
static int watch_below_one(struct resolver *resolver, const struct subject *below,
			   enum mapping_state above, bool idle, struct error *err)
{
	enum mapping_state own = MAPPING_STATELESS;
	int code = idle ? mapping_state(below->device, &own, err) : 0;

	if (code)
		return code;
	/* What a driver above has in memory is there; one that has a state of its own is next. */
	resolver->idle = idle && (above != MAPPING_HEADED || own != MAPPING_STATELESS);
	code = watch_layer(resolver, below, err);
	resolver->idle = idle;
	return code;
}

static int watch_below(struct resolver *resolver, const struct subject *subject, int depth,
		       struct error *err)
{
	enum mapping_state state = MAPPING_STATELESS;
	const bool idle = resolver->idle;
	struct dirent *entry;
	char path[512];
	int code = idle ? mapping_state(subject->device, &state, err) : 0;
	DIR *dir;

	if (code)
		return code;
	if (state == MAPPING_SCATTERED)
		doubt_scattered(resolver, subject);
	/* A partition has no such list; that of the whole device is one up. */
	snprintf(path, sizeof(path), "/sys/class/block/%s/%s", subject->device,
		 sysfs_number(subject->device, "partition") > 0 ? "../slaves" : "slaves");
	dir = depth < DEPTH_MAX ? opendir(path) : NULL;
	if (!dir)
		return 0;
	while (!code && (entry = readdir(dir))) {
		const struct subject below = { subject->where, subject->type, entry->d_name };

		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= BLOCK_NAME_SIZE)
			continue;
		code = watch_below_one(resolver, &below, state, idle, err);
		if (!code)
			code = watch_below(resolver, &below, depth + 1, err);
	}
	closedir(dir);
	return code;
}

int watch_layers(struct resolver *resolver, const struct subject *subject, struct error *err)
{
	return watch_below(resolver, subject, 0, err);
}
