/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Acquiring page frames, batch after batch. */
#include "restore/frames.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "restore/populate.h"

#define MIB	    UINT64_C(1048576)
#define BATCH	    (64 * MIB)
#define HUGE_SIZE   (2 * MIB)
#define HUGE_UNUSED "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
#define MAP_HUGE_2M (21 << 26) /* MAP_HUGE_SHIFT; the default size may be another one */

static int add_own(struct frames *frames, size_t first, uint64_t pfn, unsigned char *bytes)
{
	struct own *last = frames->own_count > first ? &frames->own[frames->own_count - 1] : NULL;

	if (last && last->pfn + last->count == pfn &&
	    last->bytes + last->count * FRAME_SIZE == bytes) {
		last->count++;
		return 0;
	}
	if (frames->own_count == frames->own_capacity) {
		size_t capacity = frames->own_capacity ? frames->own_capacity * 2 : 256;
		struct own *own = reallocarray(frames->own, capacity, sizeof(own[0]));

		if (!own)
			return -ENOMEM;
		frames->own = own;
		frames->own_capacity = capacity;
	}
	frames->own[frames->own_count++] = (struct own){ .pfn = pfn, .count = 1, .bytes = bytes };
	return 0;
}

/* Look up the frames of a new area. */
static int add_frames(struct frames *frames, unsigned char *base, size_t size, struct error *err)
{
	size_t first = frames->own_count, pages = size / FRAME_SIZE;
	uint64_t entries[FRAMES_PAGEMAP_BATCH];

	for (size_t at = 0; at < pages; at += FRAMES_PAGEMAP_BATCH) {
		size_t count =
			pages - at < FRAMES_PAGEMAP_BATCH ? pages - at : FRAMES_PAGEMAP_BATCH;
		int rc = frames_pagemap(frames, base + at * FRAME_SIZE, count, entries, err);

		if (rc)
			return rc;
		for (size_t i = 0; i < count; i++) {
			if (!(entries[i] & FRAMES_PRESENT))
				return error_set(err, ENOMEM, "a page could not be populated");
			if (!(entries[i] & FRAMES_PFN))
				return error_set(err, EPERM, "/proc/self/pagemap hides the frames");
			if (add_own(frames, first, entries[i] & FRAMES_PFN,
				    base + (at + i) * FRAME_SIZE))
				return error_set(err, ENOMEM, "list of frames: not enough memory");
		}
	}
	return 0;
}

/* Take over a mapping; it is unmapped at once when its frames cannot be had. */
static int add_area(struct frames *frames, void *base, size_t size, struct error *err)
{
	size_t before = frames->own_count;
	int rc = 0;

	if (frames->area_count == frames->area_capacity) {
		size_t capacity = frames->area_capacity ? frames->area_capacity * 2 : 64;
		struct frames_area *areas = reallocarray(frames->areas, capacity, sizeof(areas[0]));

		if (areas) {
			frames->areas = areas;
			frames->area_capacity = capacity;
		} else {
			rc = error_set(err, ENOMEM, "list of mappings: not enough memory");
		}
	}
	if (!rc)
		rc = add_frames(frames, base, size, err);
	if (rc) {
		frames->own_count = before;
		munmap(base, size);
		return rc;
	}
	frames->areas[frames->area_count++] = (struct frames_area){ .base = base, .size = size };
	return 0;
}

/* Make the pool hold at least COUNT unused huge pages. Returns how many there are. */
static uint64_t fill_pool(uint64_t count)
{
	uint64_t unused = frames_number(HUGE_UNUSED);
	char text[32];

	if (unused < count) {
		snprintf(text, sizeof(text), "%" PRIu64,
			 frames_number(FRAMES_HUGE_POOL) + count - unused);
		tuning_write(FRAMES_HUGE_POOL, text);
		unused = frames_number(HUGE_UNUSED);
	}
	return unused;
}

/* SIZE bytes of huge pages at most. ENOMEM, without a message, when there is none. */
static int grow_huge(struct frames *frames, uint64_t size, struct error *err)
{
	uint64_t count = size / HUGE_SIZE, unused;
	void *base;

	if (!count)
		return -ENOMEM;
	unused = fill_pool(count);
	if (unused < count)
		count = unused;
	if (!count)
		return -ENOMEM;
	base = mmap(NULL, count * HUGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2M, -1, 0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	populate(base, count * HUGE_SIZE, HUGE_SIZE);
	return add_area(frames, base, count * HUGE_SIZE, err);
}

/* SIZE bytes of locked small pages. */
static int grow_small(struct frames *frames, uint64_t size, struct error *err)
{
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return error_errno(err, "mapping of %" PRIu64 " bytes", size);
	/* Fails where the kernel has no transparent huge pages; nothing to avoid then. */
	madvise(base, size, MADV_NOHUGEPAGE);
	if (mlock(base, size)) {
		error_errno(err, "locking of %" PRIu64 " bytes", size);
		munmap(base, size);
		return -err->code;
	}
	return add_area(frames, base, size, err);
}

uint64_t frames_available(void)
{
	return frames_meminfo("MemAvailable:") + frames_number(HUGE_UNUSED) * HUGE_SIZE;
}

int frames_grow(struct frames *frames, uint64_t wanted, struct error *err)
{
	uint64_t available = frames_meminfo("MemAvailable:");
	uint64_t size = BATCH;
	int rc;

	if (wanted > BATCH / FRAME_SIZE)
		wanted = BATCH / FRAME_SIZE;
	if (available < frames->reserve + FRAME_SIZE)
		return error_set(err, ENOMEM, "no memory left but the reserve of %" PRIu64 " MiB",
				 frames->reserve / MIB);
	if (size > available - frames->reserve)
		size = (available - frames->reserve) / FRAME_SIZE * FRAME_SIZE;
	if (!frames->huge_over) {
		uint64_t huge = (wanted * FRAME_SIZE + HUGE_SIZE - 1) / HUGE_SIZE * HUGE_SIZE;

		rc = grow_huge(frames, huge < size ? huge : size, err);
		if (rc != -ENOMEM)
			return rc;
		frames->huge_over = true;
	}
	return grow_small(frames, wanted < size / FRAME_SIZE ? wanted * FRAME_SIZE : size, err);
}
