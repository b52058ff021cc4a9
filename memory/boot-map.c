/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RAM of the map that the kernel was booted with. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/memory.h"
#include "text/files.h"

/* Linux: arch/x86/include/uapi/asm/bootparam.h. */
#define PARAMS_COUNT   0x1e8 /* one byte */
#define PARAMS_TABLE   0x2d0
#define PARAMS_MAX     128
#define SETUP_E820_EXT 1
#define SETUP_MAX      1024 /* entries of setup_data that are looked at */
#define ENTRY_SIZE     20   /* of struct boot_e820_entry, packed: start, size, type */

static int by_start(const void *a, const void *b)
{
	const struct firmware_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

struct boot_map {
	struct firmware_range *ranges;
	size_t count;
};

static int add(struct boot_map *map, const unsigned char *table, size_t count)
{
	struct firmware_range *larger =
		reallocarray(map->ranges, map->count + count + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	map->ranges = larger;
	for (size_t i = 0; i < count; i++, table += ENTRY_SIZE) {
		struct firmware_range *range = &map->ranges[map->count++];

		*range = (struct firmware_range){ 0 };
		memcpy(&range->start, table, 8);
		memcpy(&range->size, table + 8, 8);
		memcpy(&range->type, table + 16, 4);
	}
	return 0;
}

/* All of a file of at most SIZE bytes; returns its length or a negative errno value. */
static ssize_t read_bytes(const char *path, unsigned char *bytes, size_t size, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, used = 0;

	if (fd < 0)
		return error_errno(err, "%s", path);
	while ((n = read(fd, bytes + used, size - (size_t)used)) > 0)
		used += n;
	if (n < 0)
		used = error_errno(err, "%s", path);
	close(fd);
	return used;
}

static int add_params(struct boot_map *map, const char *path, struct error *err)
{
	unsigned char params[FRAME_SIZE];
	char file[512];
	ssize_t n;

	snprintf(file, sizeof(file), "%s/data", path);
	n = read_bytes(file, params, sizeof(params), err);
	if (n < 0)
		return (int)n;
	if (n != sizeof(params) || params[PARAMS_COUNT] > PARAMS_MAX)
		return error_set(err, EINVAL, "%s: no boot parameters", file);
	return add(map, params + PARAMS_TABLE, params[PARAMS_COUNT])
		       ? error_set(err, ENOMEM, "%s: out of memory", path)
		       : 0;
}

/* One entry of setup_data; *FOUND is false when there is none of this number. */
static int add_setup(struct boot_map *map, const char *path, unsigned number, bool *found,
		     struct error *err)
{
	unsigned char bytes[64 * 1024];
	char file[512], type[32];
	struct error absent = { 0 };
	ssize_t n;

	snprintf(file, sizeof(file), "%s/setup_data/%u/type", path, number);
	*found = !file_read(file, type, sizeof(type), &absent);
	if (!*found || strtoul(type, NULL, 0) != SETUP_E820_EXT)
		return 0;
	snprintf(file, sizeof(file), "%s/setup_data/%u/data", path, number);
	n = read_bytes(file, bytes, sizeof(bytes), err);
	if (n < 0)
		return (int)n;
	return add(map, bytes, (size_t)n / ENTRY_SIZE)
		       ? error_set(err, ENOMEM, "%s: out of memory", path)
		       : 0;
}

int memory_boot_ram(const char *path, struct runs *ret, struct error *err)
{
	struct boot_map map = { 0 };
	bool found = true;
	int r = add_params(&map, path, err);

	for (unsigned i = 0; !r && found && i < SETUP_MAX; i++)
		r = add_setup(&map, path, i, &found, err);
	if (!r) {
		qsort(map.ranges, map.count, sizeof(*map.ranges), by_start);
		r = memory_firmware_ram(map.ranges, map.count, ret);
		if (r)
			error_set(err, -r, "%s: unusable memory map", path);
	}
	free(map.ranges);
	return r;
}
