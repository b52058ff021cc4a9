/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Digest and comparison of memory maps.
 */
#include "kjump/load/memory-map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <xxhash.h>

#include "memory/memory.h"

int memory_map_digest(const struct reserved_paths *paths, uint64_t *ret, struct error *err)
{
	struct firmware_range *ranges = NULL;
	struct runs ram = { 0 };
	size_t count = 0;
	int status = memory_system_ram(paths->iomem, &ram, err);

	if (!status)
		status = memory_firmware_map(paths->firmware, &ranges, &count, err);
	if (!status) {
		/* Of a length that tells one list's end from the other's beginning. */
		uint64_t seed = XXH3_64bits(ram.v, ram.n * sizeof(*ram.v)) + ram.n;

		*ret = XXH3_64bits_withSeed(ranges, count * sizeof(*ranges), seed);
	}
	free(ranges);
	runs_free(&ram);
	return status;
}

/* Does one of the kernel's entries NAME hold all of the home? */
static int holds_home(const char *iomem, const char *name, const struct state *state, bool *ret,
		      struct error *err)
{
	uint64_t first = state->home_start >> FRAME_SHIFT;
	uint64_t count = state->home_size >> FRAME_SHIFT;
	struct runs ranges = { 0 };
	int status = memory_iomem_ranges(iomem, name, &ranges, err);

	*ret = false;
	for (size_t i = 0; !status && i < ranges.n; i++)
		*ret |= first >= ranges.v[i].pfn &&
			first + count <= ranges.v[i].pfn + ranges.v[i].count;
	runs_free(&ranges);
	return status;
}

int memory_map_check(const struct reserved_paths *paths, const struct state *state,
		     struct error *err)
{
	uint64_t digest;
	bool held = true;
	int status = memory_map_digest(paths, &digest, err);

	if (!status && state->reserved)
		status = holds_home(paths->iomem, state->crash ? "Crash kernel" : "Reserved", state,
				    &held, err);
	if (status)
		return status;
	if (!held)
		return error_set(err, ESTALE,
				 "the range that was reserved for kernel B was given back");
	/* It may have been loaded where B lives. */
	if (state->crash && reserved_crash_loaded(paths->crash_loaded))
		return error_set(err, ESTALE, "a crash kernel was loaded where kernel B lies");
	if (digest != state->memory_map)
		return error_set(err, ESTALE,
				 "the machine's memory is not what it was when kernel "
				 "B was loaded");
	return 0;
}
