/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/footprint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/runs.h"
#include "memory/memory.h"
#include "restore/blocks.h"
#include "restore/stage.h"
#include "text/files.h"

void footprint_format(const struct meminfo *memory, uint64_t ram, uint64_t offline,
		      uint64_t reserve, char *text, size_t size)
{
	uint64_t available = (memory->available + offline) / 1024, spared = (reserve + 1023) / 1024;

	snprintf(text, size,
		 "ram_kib = %" PRIu64 "\ntotal_kib = %" PRIu64 "\nfree_kib = %" PRIu64
		 "\navailable_kib = %" PRIu64 "\nreserve_kib = %" PRIu64 "\nroom_kib = %" PRIu64
		 "\n",
		 ram / 1024, (memory->total + offline) / 1024, memory->free / 1024, available,
		 spared, available > spared ? available - spared : 0);
}

static int all_ram(uint64_t *ret, struct error *err)
{
	struct firmware_range *map = NULL;
	struct runs ram = { 0 };
	size_t count = 0;
	int rc = memory_firmware_map("/sys/firmware/memmap", &map, &count, err);

	if (rc)
		return rc;
	rc = memory_firmware_ram(map, count, &ram);
	if (rc)
		error_set(err, -rc, "firmware memory map: %s", strerror(-rc));
	*ret = runs_total(&ram) * FRAME_SIZE;
	runs_free(&ram);
	free(map);
	return rc;
}

static int make_directory(const char *path, struct error *err)
{
	char directory[256];
	char *slash;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return 0;
	*slash = '\0';
	if (mkdir(directory, 0755) && errno != EEXIST)
		return error_errno(err, "%s", directory);
	return 0;
}

int footprint_note(const char *path, struct error *err)
{
	struct meminfo memory;
	uint64_t ram = 0, offline = blocks_offline(BLOCKS_PATH);
	char text[512];
	int rc = meminfo_read("/proc/meminfo", &memory, err);

	if (!rc)
		rc = all_ram(&ram, err);
	if (!rc)
		rc = make_directory(path, err);
	if (rc)
		return rc;
	footprint_format(&memory, ram, offline, stage_reserve(memory.total + offline, 0), text,
			 sizeof(text));
	return file_replace(path, text, err);
}
