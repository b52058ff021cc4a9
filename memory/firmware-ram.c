/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames of RAM in a firmware memory map. */
#include "memory/memory.h"

#define E820_RAM 1

int memory_firmware_ram(const struct firmware_range *map, size_t count, struct runs *ret)
{
	uint64_t start = 0, end = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i <= count; i++) {
		if (i < count && map[i].type != E820_RAM)
			continue;
		if (i < count && end && map[i].start <= end) {
			if (memory_range_end(&map[i]) > end)
				end = memory_range_end(&map[i]);
			continue;
		}
		if ((end >> FRAME_SHIFT) > (start + FRAME_SIZE - 1) >> FRAME_SHIFT) {
			uint64_t pfn = (start + FRAME_SIZE - 1) >> FRAME_SHIFT;

			rc = runs_add(ret, pfn, (end >> FRAME_SHIFT) - pfn);
		}
		if (i < count) {
			start = map[i].start;
			end = memory_range_end(&map[i]);
		}
	}
	return rc;
}
