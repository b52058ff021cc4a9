/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashes of single facts, each counted once, in no order. */
#include "kjump/watch/census.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "kjump/watch/namespaces.h"

struct census {
	uint64_t *facts;
	size_t count, capacity;
};

static int add(struct census *census, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int add(struct census *census, struct error *err, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (census->count == census->capacity) {
		size_t capacity = census->capacity ? 2 * census->capacity : 256;
		uint64_t *larger = reallocarray(census->facts, capacity, sizeof(*larger));

		if (!larger)
			return error_set(err, ENOMEM, "no memory");
		census->facts = larger;
		census->capacity = capacity;
	}
	census->facts[census->count++] = XXH3_64bits(text, strlen(text));
	return 0;
}

/* Of those without a device number only these lie on disks. */
static bool is_on_disks(const struct mount *mount)
{
	static const char *const types[] = { "btrfs", "bcachefs", "zfs", "ubifs", "jffs2" };

	if (mount->major)
		return true;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(mount->type, types[i]))
			return true;
	return false;
}

static int add_mount(void *context, const struct mount *mount, struct error *err)
{
	if (!is_on_disks(mount))
		return 0;
	return add(context, err, "mount %u:%u %s %s", mount->major, mount->minor, mount->type,
		   mount->source);
}

static int add_swaps(struct census *census, const char *proc, struct error *err)
{
	char path[512], *line = NULL;
	size_t capacity = 0;
	FILE *file;
	int code = 0;

	snprintf(path, sizeof(path), "%.400s/swaps", proc);
	file = fopen(path, "re");
	/* The first word is the area; what follows changes as it is used. */
	while (file && !code && getline(&line, &capacity, file) >= 0)
		code = add(census, err, "swap %.*s", (int)strcspn(line, " \t"), line);
	free(line);
	if (file)
		fclose(file);
	return code;
}

static int add_devices(struct census *census, const struct devices_source *source,
		       struct error *err)
{
	struct dirent *entry;
	char path[512];
	int code = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%.400s/class/block", source->sys);
	dir = opendir(path);
	while (dir && !code && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			code = add(census, err, "device %.64s %s", entry->d_name,
				   source->in_use(entry->d_name) ? "held" : "free");
	if (dir)
		closedir(dir);
	return code;
}

static int compare(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* One number for all facts, each of them once. */
static uint64_t sum_up(struct census *census)
{
	size_t count = 0;

	if (!census->count)
		return 0;
	qsort(census->facts, census->count, sizeof(*census->facts), compare);
	for (size_t i = 0; i < census->count; i++)
		if (!count || census->facts[i] != census->facts[count - 1])
			census->facts[count++] = census->facts[i];
	return XXH3_64bits(census->facts, count * sizeof(*census->facts));
}

int census_take(const struct watch_source *source, uint64_t *ret, struct error *err)
{
	struct census census = { 0 };
	int code = namespaces_each(source->proc, add_mount, &census, err);

	if (!code)
		code = add_swaps(&census, source->proc, err);
	if (!code)
		code = add_devices(&census, source->devices, err);
	*ret = code ? 0 : sum_up(&census);
	free(census.facts);
	return code;
}
