/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that the system was told at boot to leave alone.
 */
#include "kjump/load/reserved.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/abi.h"
#include "memory/memory.h"
#include "text/cmdline.h"
#include "text/files.h"

#define E820_RAM 1
#define LIMIT	 (4ULL << 30) /* see jump/place.c */
#define BLOCK	 (2ULL << 20)

bool reserved_crash_loaded(const char *path)
{
	struct error ignored = { 0 };
	char text[16];

	return !file_read(path, text, sizeof(text), &ignored) && *text == '1';
}

/* "64M", as the kernel's memparse() reads it. */
static uint64_t parse_size(const char *text, char **end)
{
	uint64_t value = strtoull(text, end, 0);

	switch (**end) {
	case 'G':
	case 'g':
		value <<= 10; /* fall through */
	case 'M':
	case 'm':
		value <<= 10; /* fall through */
	case 'K':
	case 'k':
		value <<= 10;
		(*end)++;
	}
	return value;
}

/* The ranges of one memmap=SIZE$ADDRESS[,...]; other kinds are passed over. */
static int add_memmap(const char *value, struct runs *ret)
{
	int status = 0;
	char *end;

	while (!status && *value) {
		uint64_t address, size = parse_size(value, &end);

		if (*end == '$') {
			address = parse_size(end + 1, &end);
			status = runs_add(ret, address >> FRAME_SHIFT, size >> FRAME_SHIFT);
		}
		value = end + strcspn(end, ",");
		value += *value == ',';
	}
	return status;
}

static int read_memmap(const char *path, struct runs *ret, struct error *err)
{
	char text[CMDLINE_READ_SIZE], word[512];
	const char *cursor = text;
	int status = file_read(path, text, sizeof(text), err);

	while (!status && cmdline_next(&cursor, word, sizeof(word))) {
		if (!strncmp(word, "memmap=", 7) && add_memmap(word + 7, ret))
			status = error_set(err, ENOMEM, "out of memory");
	}
	runs_sort(ret);
	return status;
}

static int read_firmware_ram(const char *path, struct runs *ret, struct error *err)
{
	struct firmware_range *ranges = NULL;
	size_t count = 0;
	int status = memory_firmware_map(path, &ranges, &count, err);

	for (size_t i = 0; !status && i < count; i++) {
		uint64_t end = (ranges[i].start + ranges[i].size) >> FRAME_SHIFT;
		uint64_t first = (ranges[i].start + FRAME_SIZE - 1) >> FRAME_SHIFT;

		if (ranges[i].type == E820_RAM && end > first && runs_add(ret, first, end - first))
			status = error_set(err, ENOMEM, "out of memory");
	}
	free(ranges);
	runs_sort(ret);
	return status;
}

/* Take the largest of LIST within RAM, if it is larger than what was found before. */
static int take_largest(const struct runs *list, const struct runs *ram, bool crash, uint64_t size,
			struct reserved *ret, struct error *err)
{
	struct runs usable = { 0 };

	if (runs_intersect(list, ram, &usable))
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < usable.n; i++) {
		uint64_t start = (usable.v[i].pfn << FRAME_SHIFT) + BLOCK - 1;
		uint64_t end = (usable.v[i].pfn + usable.v[i].count) << FRAME_SHIFT;

		start &= ~(BLOCK - 1);
		end = (end < LIMIT ? end : LIMIT) & ~(BLOCK - 1);
		if (end > start && end - start > CONFIG_HOME_MAX)
			end = start + CONFIG_HOME_MAX;
		if (end > start && end - start >= size && end - start > ret->size)
			*ret = (struct reserved){ start, end - start, crash, crash };
	}
	runs_free(&usable);
	return 0;
}

int reserved_find(const struct reserved_paths *paths, uint64_t size, struct reserved *ret,
		  struct error *err)
{
	struct runs firmware = { 0 }, list = { 0 }, reserved = { 0 }, asked = { 0 };
	int status;

	*ret = (struct reserved){ 0 };
	status = read_firmware_ram(paths->firmware, &firmware, err);
	if (!status)
		status = read_memmap(paths->cmdline, &asked, err);
	/* What the command line asks for and the kernel did. */
	if (!status && asked.n)
		status = memory_iomem_ranges(paths->iomem, "Reserved", &reserved, err);
	if (!status && runs_intersect(&asked, &reserved, &list))
		status = error_set(err, ENOMEM, "out of memory");
	if (!status)
		status = take_largest(&list, &firmware, false, size, ret, err);
	runs_free(&list);
	if (!status && !reserved_crash_loaded(paths->crash_loaded))
		status = memory_iomem_ranges(paths->iomem, "Crash kernel", &list, err);
	if (!status)
		status = take_largest(&list, &firmware, true, size, ret, err);
	runs_free(&firmware);
	runs_free(&list);
	runs_free(&reserved);
	runs_free(&asked);
	return status;
}
