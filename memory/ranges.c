/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's descriptions of physical memory: /proc/iomem and /sys/firmware/memmap.
 */
#include "memory/memory.h"
#include "memory/spans.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/files.h"

/* No physical address of x86_64 has more bits. */
#define ADDRESS_BITS 52

/* One line of /proc/iomem; END is the last byte. */
struct iomem_line {
	uint64_t start, end;
	const char *name;
};

/* Cut LINE (which is changed) into its parts: "  00100000-002fffff : Kernel code". */
static bool iomem_parse(char *line, struct iomem_line *ret)
{
	char *at = line + strspn(line, " "), *end;

	errno = 0;
	if (!isxdigit((unsigned char)*at))
		return false;
	ret->start = strtoull(at, &end, 16);
	if (*end != '-' || !isxdigit((unsigned char)end[1]))
		return false;
	ret->end = strtoull(end + 1, &end, 16);
	if (errno || strncmp(end, " : ", 3) || ret->end < ret->start)
		return false;
	ret->name = end + 3;
	end[3 + strcspn(end + 3, "\n")] = '\0';
	return true;
}

static int hidden_addresses(const char *path, struct error *err)
{
	return error_set(err, EPERM, "%s: addresses are hidden without privilege", path);
}

/* Returns 0 to go on, 1 when it has what it wants, or a negative errno value. */
typedef int (*iomem_visit)(void *context, const char *path, const struct iomem_line *line,
			   struct error *err);

/* Show the lines of the file to VISIT. Returns what the last visit did. */
static int iomem_each(const char *path, iomem_visit visit, void *context, struct error *err)
{
	FILE *file = fopen(path, "re");
	struct iomem_line entry;
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (!file)
		return error_errno(err, "cannot open %s", path);
	while (!r && getline(&line, &size, file) >= 0)
		r = iomem_parse(line, &entry)
			    ? visit(context, path, &entry, err)
			    : error_set(err, EINVAL, "%s: unknown kind of line", path);
	if (!r && !feof(file))
		r = error_errno(err, "cannot read %s", path);
	free(line);
	fclose(file);
	return r;
}

static int ram_line(void *context, const char *path, const struct iomem_line *line,
		    struct error *err)
{
	struct spans *spans = context;

	if (!strcmp(line->name, SPANS_RAM) && !line->end)
		return hidden_addresses(path, err);
	return spans_add(spans, line->name, line->start, line->end, err)
		       ? error_prefix(err, "%s", path)
		       : 0;
}

int memory_system_ram(const char *path, struct runs *ret, struct error *err)
{
	struct spans spans = { .ret = ret };
	int r = iomem_each(path, ram_line, &spans, err);

	if (!r)
		r = spans_finish(&spans, err);
	if (!r && !ret->n)
		r = error_set(err, ENOENT, "%s: no %s", path, SPANS_RAM);
	return r;
}

struct name_search {
	const char *name;
	uint64_t start;
	struct runs *ret;
};

static int first_line(void *context, const char *path, const struct iomem_line *line,
		      struct error *err)
{
	struct name_search *search = context;

	if (strcmp(line->name, search->name))
		return 0;
	if (!line->end)
		return hidden_addresses(path, err);
	search->start = line->start;
	return 1;
}

int memory_iomem_start(const char *path, const char *name, uint64_t *ret, struct error *err)
{
	struct name_search search = { .name = name };
	int r = iomem_each(path, first_line, &search, err);

	if (!r)
		return error_set(err, ENOENT, "%s: no %s", path, name);
	if (r < 0)
		return r;
	*ret = search.start;
	return 0;
}

static int range_line(void *context, const char *path, const struct iomem_line *line,
		      struct error *err)
{
	const struct name_search *search = context;
	struct spans spans = { line->start, line->end + 1, search->ret };

	if (strcmp(line->name, search->name) || line->end >> ADDRESS_BITS)
		return 0;
	return line->end ? spans_finish(&spans, err) : hidden_addresses(path, err);
}

int memory_iomem_ranges(const char *path, const char *name, struct runs *ret, struct error *err)
{
	struct name_search search = { .name = name, .ret = ret };
	int r = iomem_each(path, range_line, &search, err);

	runs_sort(ret);
	return r;
}

/* --- /sys/firmware/memmap --- */

#define E820_RESERVED 2

/* E820 type of the kernel's name for it. What the kernel has no name for is nobody's to use. */
static uint32_t e820_type(const char *name)
{
	static const struct {
		const char *name;
		uint32_t type;
	} types[] = {
		{ "System RAM", 1 },
		{ "Reserved", E820_RESERVED },
		{ "ACPI Tables", 3 },
		{ "ACPI Non-volatile Storage", 4 },
		{ "Unusable memory", 5 },
		{ "Persistent Memory", 7 },
		{ "Persistent Memory (legacy)", 12 },
		{ "Soft Reserved", 0xefffffff },
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcmp(name, types[i].name))
			return types[i].type;
	}
	return E820_RESERVED;
}

/* First line of PATH/ENTRY/NAME without its newline. */
static int memmap_read(const char *path, const char *entry, const char *name, char *ret,
		       size_t size, struct error *err)
{
	char file_name[4096];
	ssize_t n;

	if ((size_t)snprintf(file_name, sizeof(file_name), "%s/%s/%s", path, entry, name) >=
	    sizeof(file_name))
		return error_set(err, ENAMETOOLONG, "%s: path too long", path);
	n = file_read_start(file_name, ret, size);
	if (n <= 0)
		return error_set(err, n ? (int)-n : EIO, "cannot read %s: %s", file_name,
				 n ? strerror((int)-n) : "empty");
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

static int memmap_number(const char *path, const char *entry, const char *name, uint64_t *ret,
			 struct error *err)
{
	char text[64], *end;
	int r = memmap_read(path, entry, name, text, sizeof(text), err);

	if (r)
		return r;
	errno = 0;
	*ret = strtoull(text, &end, 16);
	if (errno || end == text || *end)
		return error_set(err, EINVAL, "%s/%s/%s: no number", path, entry, name);
	return 0;
}

static int memmap_entry(const char *path, const char *entry, struct firmware_range *ret,
			struct error *err)
{
	uint64_t start, last;
	char type[64];
	int r;

	r = memmap_number(path, entry, "start", &start, err);
	if (!r)
		r = memmap_number(path, entry, "end", &last, err);
	if (!r)
		r = memmap_read(path, entry, "type", type, sizeof(type), err);
	if (r)
		return r;
	if (last < start || last == UINT64_MAX)
		return error_set(err, EINVAL, "%s/%s: ends before it starts", path, entry);
	*ret = (struct firmware_range){
		.start = start,
		.size = last - start + 1,
		.type = e820_type(type),
	};
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct firmware_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* All entries of an open directory, unsorted. *LIST is the caller's, on errors as well. */
static int memmap_list(DIR *directory, const char *path, struct firmware_range **list,
		       size_t *count, struct error *err)
{
	size_t capacity = 0;
	struct dirent *entry;
	void *grown;
	int r;

	for (errno = 0; (entry = readdir(directory)); errno = 0) {
		if (entry->d_name[0] == '.')
			continue;
		if (*count == capacity) {
			capacity = capacity ? 2 * capacity : 64;
			grown = reallocarray(*list, capacity, sizeof(**list));
			if (!grown)
				return error_set(err, ENOMEM, "%s: out of memory", path);
			*list = grown;
		}
		r = memmap_entry(path, entry->d_name, &(*list)[*count], err);
		if (r)
			return r;
		(*count)++;
	}
	return errno ? error_errno(err, "cannot list %s", path) : 0;
}

int memory_firmware_map(const char *path, struct firmware_range **ret, size_t *count,
			struct error *err)
{
	struct firmware_range *list = NULL;
	DIR *directory = opendir(path);
	size_t n = 0;
	int r;

	if (!directory)
		return error_errno(err, "cannot open %s", path);
	r = memmap_list(directory, path, &list, &n, err);
	if (!r && !n)
		r = error_set(err, ENOENT, "%s: no entries", path);
	closedir(directory);
	if (r) {
		free(list);
		return r;
	}
	qsort(list, n, sizeof(*list), by_start);
	*ret = list;
	*count = n;
	return 0;
}
