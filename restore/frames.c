/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames that are held: page map, looking up, giving back. */
#include "restore/frames.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "text/files.h"

#define MIB	     UINT64_C(1048576)
#define LEAST_SPARED (16 * MIB)
/* What is available beyond what the kernel says: watermarks that it counts page cache against. */
#define SLACK (64 * MIB)

uint64_t frames_meminfo(const char *name)
{
	char text[4096];
	const char *line;

	if (file_read_start("/proc/meminfo", text, sizeof(text)) <= 0)
		return 0;
	line = strstr(text, name);
	return line ? strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

uint64_t frames_number(const char *path)
{
	char text[32];

	return file_read_start(path, text, sizeof(text)) > 0 ? strtoull(text, NULL, 10) : 0;
}

int frames_pagemap(const struct frames *frames, const void *base, size_t count, uint64_t *entries,
		   struct error *err)
{
	off_t offset = (off_t)((uintptr_t)base / FRAME_SIZE * sizeof(entries[0]));
	ssize_t n = pread(frames->pagemap, entries, count * sizeof(entries[0]), offset);

	if (n < 0)
		return error_errno(err, "/proc/self/pagemap");
	if ((size_t)n != count * sizeof(entries[0]))
		return error_set(err, EIO, "/proc/self/pagemap: short read");
	return 0;
}

int frames_check(const struct frames *frames, struct error *err)
{
	uint64_t entries[FRAMES_PAGEMAP_BATCH];

	for (size_t i = 0; i < frames->own_count; i++) {
		const struct own *own = &frames->own[i];

		for (uint64_t at = 0; at < own->count; at += FRAMES_PAGEMAP_BATCH) {
			uint64_t left = own->count - at;
			size_t count =
				left < FRAMES_PAGEMAP_BATCH ? (size_t)left : FRAMES_PAGEMAP_BATCH;
			int rc = frames_pagemap(frames, own->bytes + at * FRAME_SIZE, count,
						entries, err);

			if (rc)
				return rc;
			for (size_t k = 0; k < count; k++)
				if (!(entries[k] & FRAMES_PRESENT) ||
				    (entries[k] & FRAMES_PFN) != own->pfn + at + k)
					return error_set(err, EAGAIN,
							 "page moved out of frame %#" PRIx64,
							 own->pfn + at + k);
		}
	}
	return 0;
}

uint64_t frames_reserve(uint64_t total, uint64_t wanted)
{
	uint64_t share = total / 100;

	if (wanted < LEAST_SPARED)
		wanted = LEAST_SPARED;
	return wanted > share ? wanted : share;
}

int frames_conceivable(uint64_t available, uint64_t reserve, uint64_t wanted, struct error *err)
{
	uint64_t most = available + available / 16 + SLACK;

	if (most >= reserve + wanted * FRAME_SIZE)
		return 0;
	return error_set(err, ENOMEM,
			 "%" PRIu64 " MiB are available, of which %" PRIu64 " MiB are the reserve",
			 available / MIB, reserve / MIB);
}

int frames_open(struct frames *frames, uint64_t reserve, struct error *err)
{
	memset(frames, 0, sizeof(*frames));
	frames->reserve = frames_reserve(frames_meminfo("MemTotal:"), reserve);
	frames->pool = frames_number(FRAMES_HUGE_POOL);
	tuning_apply(&frames->tuning);
	frames->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	return frames->pagemap < 0 ? error_errno(err, "/proc/self/pagemap") : 0;
}

void frames_close(struct frames *frames)
{
	char text[32];

	if (!frames->reserve) /* never opened */
		return;
	for (size_t i = 0; i < frames->area_count; i++)
		munmap(frames->areas[i].base, frames->areas[i].size);
	if (frames_number(FRAMES_HUGE_POOL) != frames->pool) {
		snprintf(text, sizeof(text), "%" PRIu64, frames->pool);
		tuning_write(FRAMES_HUGE_POOL, text);
	}
	tuning_undo(&frames->tuning);
	if (frames->pagemap >= 0)
		close(frames->pagemap);
	free(frames->areas);
	free(frames->own);
	memset(frames, 0, sizeof(*frames));
}

/* --- looking up ----------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct own *x = a, *y = b;

	return (x->pfn > y->pfn) - (x->pfn < y->pfn);
}

void frames_sort(struct frames *frames)
{
	if (frames->own_count)
		qsort(frames->own, frames->own_count, sizeof(frames->own[0]), compare);
}

const struct own *frames_find(const struct frames *frames, uint64_t pfn)
{
	size_t low = 0, high = frames->own_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct own *own = &frames->own[middle];

		if (pfn < own->pfn)
			high = middle;
		else if (pfn - own->pfn >= own->count)
			low = middle + 1;
		else
			return own;
	}
	return NULL;
}

int frames_runs(const struct frames *frames, struct runs *ret, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < frames->own_count; i++)
		rc = runs_add(ret, frames->own[i].pfn, frames->own[i].count);
	if (rc)
		return error_set(err, -rc, "list of frames: not enough memory");
	runs_sort(ret);
	return 0;
}
