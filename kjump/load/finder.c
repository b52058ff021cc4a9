/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rehearsal of the search for free pages. What it protects from is no lost page, kernel B sees
 * to that by itself, but an image several times as large as it has to be, found out too late.
 */
#include "kjump/load/finder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "memory/core.h"
#include "memory/freepages.h"
#include "memory/memory.h"

#define TRIES	      3
#define TOLERANCE     4096 /* pages, and one in: */
#define TOLERANCE_DIV 20

int finder_zone_count(const char *zoneinfo, uint64_t *ret, struct error *err)
{
	FILE *file = fopen(zoneinfo, "re");
	bool found = false;
	char line[256];

	if (!file)
		return error_errno(err, "%s", zoneinfo);
	*ret = 0;
	while (fgets(line, sizeof(line), file)) {
		uint64_t count;

		if (sscanf(line, " nr_free_pages %" SCNu64, &count) == 1) {
			*ret += count;
			found = true;
		}
	}
	fclose(file);
	return found ? 0 : error_set(err, ENODATA, "%s: no nr_free_pages", zoneinfo);
}

/* What may come and go while a kernel that runs is looked at. */
static uint64_t tolerance(uint64_t count)
{
	return TOLERANCE + count / TOLERANCE_DIV;
}

static int compare(const struct free_pages *pages, const char *zoneinfo, struct error *err)
{
	uint64_t count, difference;
	int ret = finder_zone_count(zoneinfo, &count, err);

	if (ret)
		return ret;
	difference = pages->found > count ? pages->found - count : count - pages->found;
	if (difference > tolerance(count))
		return error_set(err, EINVAL,
				 "found %" PRIu64 " free pages where %s counts %" PRIu64,
				 pages->found, zoneinfo, count);
	return 0;
}

static int search(struct memory *memory, const struct runs *ram, const char *vmcoreinfo,
		  const char *zoneinfo, struct error *err)
{
	static const struct runs none;
	const struct frozen running = { .memory = memory, .ram = ram, .home = &none };
	uint64_t count;
	int ret = -EINVAL;

	for (int i = 0; ret && i < TRIES; i++) {
		struct free_pages pages = { .found = 0 };

		ret = finder_zone_count(zoneinfo, &count, err);
		if (!ret)
			ret = free_pages_find(&running, vmcoreinfo, tolerance(count), &pages, err);
		if (!ret)
			ret = compare(&pages, zoneinfo, err);
		free_pages_free(&pages);
	}
	return ret;
}

int finder_check(const char *kcore, const char *iomem, const char *zoneinfo, struct error *err)
{
	struct core core = { .vmcoreinfo = NULL };
	struct memory *memory = NULL;
	struct runs ram = { .n = 0 };
	int ret = memory_system_ram(iomem, &ram, err);

	if (!ret)
		ret = core_open(kcore, &memory, &core, err);
	if (!ret && !core.vmcoreinfo)
		ret = error_set(err, ENOENT, "%s: no VMCOREINFO note", kcore);
	if (!ret)
		ret = search(memory, &ram, core.vmcoreinfo, zoneinfo, err);
	core_free(&core);
	memory_close(memory);
	runs_free(&ram);
	return ret;
}

void finder_tell(const char *kcore, const char *iomem, const char *zoneinfo)
{
	struct error err = { 0 };

	if (finder_check(kcore, iomem, zoneinfo, &err))
		message("free pages cannot be told apart on this kernel: %s; everything will be "
			"saved",
			err.text);
}
