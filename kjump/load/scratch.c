/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scratch areas of kexec handover (kernel/liveupdate/kexec_handover.c): CMA, as it were, so that
 * the kernel never puts pages of its own there.
 */
#include "kjump/load/scratch.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/abi.h"

static FILE *open_file(const char *directory, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return fopen(path, "re");
}

void scratch_read(const char *directory, struct runs *ret)
{
	FILE *starts = open_file(directory, "scratch_phys");
	FILE *sizes = open_file(directory, "scratch_len");
	uint64_t start, size;

	while (starts && sizes && fscanf(starts, "%" SCNx64, &start) == 1 &&
	       fscanf(sizes, "%" SCNx64, &size) == 1) {
		uint64_t first = (start + FRAME_SIZE - 1) >> FRAME_SHIFT;
		uint64_t end = (start + size) >> FRAME_SHIFT;

		if (end > first && runs_add(ret, first, end - first))
			break;
	}
	if (starts)
		fclose(starts);
	if (sizes)
		fclose(sizes);
	runs_sort(ret);
}
