/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/blocks.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "restore/plan.h"
#include "restore/tuning.h"
#include "text/files.h"

#define NAME "memory"

static void file_of(const char *path, uint64_t number, char *ret, size_t size)
{
	snprintf(ret, size, "%s/" NAME "%" PRIu64 "/state", path, number);
}

/* Bytes of a block; 0 when the kernel has none. */
static uint64_t block_size(const char *path)
{
	char name[256], text[32], *end;
	uint64_t size;

	snprintf(name, sizeof(name), "%s/block_size_bytes", path);
	if (file_read_start(name, text, sizeof(text)) <= 0)
		return 0;
	size = strtoull(text, &end, 16);
	return end != text && !(size % FRAME_SIZE) ? size : 0;
}

static bool is_offline(const char *path, uint64_t number)
{
	char name[256], text[32];

	file_of(path, number, name, sizeof(name));
	return file_read_start(name, text, sizeof(text)) > 0 && !strcmp(text, "offline\n");
}

/* The number of the next block that is offline; false behind the last one. */
static bool next_offline(DIR *directory, const char *path, uint64_t *ret)
{
	const struct dirent *entry;

	while ((entry = readdir(directory))) {
		const char *digits = entry->d_name + strlen(NAME);
		char *end;

		if (strncmp(entry->d_name, NAME, strlen(NAME)) || *digits < '0' || *digits > '9')
			continue;
		*ret = strtoull(digits, &end, 10);
		if (!*end && is_offline(path, *ret))
			return true;
	}
	return false;
}

static int keep(struct blocks *blocks, uint64_t number, struct error *err)
{
	if (blocks->count == blocks->capacity) {
		size_t capacity = blocks->capacity ? blocks->capacity * 2 : 64;
		uint64_t *numbers = reallocarray(blocks->numbers, capacity, sizeof(numbers[0]));

		if (!numbers)
			return error_set(err, ENOMEM, "list of memory blocks: not enough memory");
		blocks->numbers = numbers;
		blocks->capacity = capacity;
	}
	blocks->numbers[blocks->count++] = number;
	return 0;
}

/*
 * For movable pages: a block that a kernel's own pages came to lie in could not be given back. A
 * zone of its own the memory cannot have where it lies amid another one; then as the kernel likes.
 */
static int bring_online(struct blocks *blocks, uint64_t number, struct error *err)
{
	char name[256];
	int rc;

	file_of(blocks->path, number, name, sizeof(name));
	rc = tuning_write(name, "online_movable");
	if (rc == -EINVAL)
		rc = tuning_write(name, "online");
	if (!rc)
		return keep(blocks, number, err);
	message("memory block %" PRIu64 ": %s; going on without it", number, strerror(-rc));
	return 0;
}

int blocks_bring_online(const char *path, const struct runs *ram, struct blocks *ret,
			struct error *err)
{
	uint64_t frames = block_size(path) / FRAME_SIZE, number;
	DIR *directory = frames ? opendir(path) : NULL;
	int rc = 0;

	*ret = (struct blocks){ .path = path };
	if (!directory)
		return 0;
	while (!rc && next_offline(directory, path, &number)) {
		/* Beyond that there are no frames, and the product could be too large. */
		if (number > (UINT64_C(1) << 52) / frames)
			continue;
		if (plan_covered(ram, (struct run){ number * frames, frames }))
			rc = bring_online(ret, number, err);
	}
	closedir(directory);
	return rc;
}

void blocks_give_back(struct blocks *blocks)
{
	char name[256];

	while (blocks->count) {
		file_of(blocks->path, blocks->numbers[--blocks->count], name, sizeof(name));
		tuning_write(name, "offline");
	}
	free(blocks->numbers);
	*blocks = (struct blocks){ 0 };
}

uint64_t blocks_offline(const char *path)
{
	uint64_t size = block_size(path), sum = 0, number;
	DIR *directory = size ? opendir(path) : NULL;

	if (!directory)
		return 0;
	while (next_offline(directory, path, &number))
		sum += size;
	closedir(directory);
	return sum;
}
