/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of devices that no other one has. */
#include "kjump/watch/tag.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "disk/probe.h"
#include "kjump/watch/reach.h"

static const char *const kinds[TAG_KINDS] = { "PARTUUID", "UUID_SUB", "UUID" };

/* Is it there in kernel B, with a medium? Opening a floppy drive takes seconds. */
static bool is_seen(const char *name)
{
	if (*name == '.' || strlen(name) >= BLOCK_NAME_SIZE ||
	    (!strncmp(name, "fd", 2) && name[2] >= '0' && name[2] <= '9'))
		return false;
	return sysfs_number(name, "size") > 0 && !reach_device(name);
}

static int add(struct tags *tags, const char *name, struct error *err)
{
	struct tag_bearer *bearer;
	struct disk_tags found;

	if (tags->n == tags->capacity) {
		size_t capacity = tags->capacity ? 2 * tags->capacity : 32;
		struct tag_bearer *larger = reallocarray(tags->v, capacity, sizeof(*larger));

		if (!larger)
			return error_set(err, ENOMEM, "no memory");
		tags->v = larger;
		tags->capacity = capacity;
	}
	probe_tags(name, &found);
	bearer = &tags->v[tags->n++];
	strcpy(bearer->name, name);
	memcpy(bearer->value[0], found.partuuid, sizeof(found.partuuid));
	memcpy(bearer->value[1], found.uuid_sub, sizeof(found.uuid_sub));
	memcpy(bearer->value[2], found.uuid, sizeof(found.uuid));
	return 0;
}

int tags_read(struct tags *tags, struct error *err)
{
	struct dirent *entry;
	int code = 0;
	DIR *dir;

	if (tags->read)
		return 0;
	dir = opendir("/sys/class/block");
	while (dir && !code && (entry = readdir(dir)))
		if (is_seen(entry->d_name))
			code = add(tags, entry->d_name, err);
	if (dir)
		closedir(dir);
	tags->read = !code;
	return code;
}

void tags_free(struct tags *tags)
{
	free(tags->v);
	*tags = (struct tags){ 0 };
}

static const struct tag_bearer *find_bearer(const struct tags *tags, const char *name)
{
	for (size_t i = 0; i < tags->n; i++)
		if (!strcmp(tags->v[i].name, name))
			return &tags->v[i];
	return NULL;
}

/* Who else answers to the name of this KIND; NULL for nobody. Compared as disk_find() does. */
static const struct tag_bearer *find_other(const struct tags *tags, const struct tag_bearer *bearer,
					   size_t kind)
{
	for (size_t i = 0; i < tags->n; i++)
		if (&tags->v[i] != bearer &&
		    !strcasecmp(tags->v[i].value[kind], bearer->value[kind]))
			return &tags->v[i];
	return NULL;
}

bool tags_find(const struct tags *tags, const char *name, char *tag, size_t size,
	       char why[TAG_WHY_SIZE])
{
	const struct tag_bearer *bearer = find_bearer(tags, name), *other = NULL;

	for (size_t kind = 0; bearer && kind < TAG_KINDS; kind++) {
		const struct tag_bearer *same;
		int length;

		if (!bearer->value[kind][0])
			continue;
		same = find_other(tags, bearer, kind);
		other = same ? same : other;
		length = snprintf(tag, size, "%s=%s", kinds[kind], bearer->value[kind]);
		if (!same && (size_t)length < size)
			return true;
	}
	if (other)
		snprintf(why, TAG_WHY_SIZE,
			 "kernel B could not tell it from %s, which has the same UUIDs",
			 other->name);
	else
		snprintf(why, TAG_WHY_SIZE, "no UUID by which kernel B could find it");
	return false;
}

int tag_of(const char *name, char *tag, size_t size, struct error *err)
{
	struct tags tags = { 0 };
	char why[TAG_WHY_SIZE];
	int code = tags_read(&tags, err);

	if (!code && !tags_find(&tags, name, tag, size, why))
		code = error_set(err, ENOTSUP, "%s: %s", name, why);
	tags_free(&tags);
	return code;
}
