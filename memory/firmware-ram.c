/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames of RAM, and of ACPI tables, in a firmware memory map. */
#include "memory/memory.h"

static int frames_of_type(const struct firmware_range *map, size_t count, uint32_t type,
			  struct runs *ret)
{
	uint64_t start = 0, end = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i <= count; i++) {
		if (i < count && map[i].type != type)
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

int memory_firmware_ram(const struct firmware_range *map, size_t count, struct runs *ret)
{
	return frames_of_type(map, count, FIRMWARE_RAM, ret);
}

int memory_firmware_acpi(const struct firmware_range *map, size_t count, struct runs *ret)
{
	return frames_of_type(map, count, FIRMWARE_ACPI, ret);
}
