/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where kernel B can live. The home's frames keep A's content in shadow pages while B is loaded,
 * so any RAM will do, with two exceptions: frames that A needs while B runs or that cannot be
 * swapped (its kernel, its memmap, absent or poisoned frames), and, for speed, free frames: the
 * allocator would hand them out again and again while the shadow pages are allocated.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kernel-page-flags.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "jump/jump.h"

#ifndef KPF_PGTABLE
#define KPF_PGTABLE 26
#endif
#ifndef KPF_OFFLINE
#define KPF_OFFLINE 23
#endif
#define KPF_RESERVED_BIT 32 /* include/linux/kernel-page-flags.h: KPF_RESERVED, kernel's own */

#define BLOCK_PAGES 512 /* 2 MiB */
#define BLOCK_SIZE  (BLOCK_PAGES * (uint64_t)FRAME_SIZE)
#define LIMIT_PFN   (1ULL << (32 - FRAME_SHIFT)) /* B's disks may be able to reach only 4 GiB */
#define FIRST_BLOCK 1 /* not the first 2 MiB: low memory and legacy holes */

/* A page table is ordinary memory, but free pages can be found only when A's are not moved. */
#define PGTABLE_COST 1000
#define BUDDY_COST   1
#define FORBIDDEN    UINT64_MAX

#define FLAG(bit) (1ULL << (bit))
#define FORBIDDEN_FLAGS                                                                            \
	(FLAG(KPF_RESERVED_BIT) | FLAG(KPF_NOPAGE) | FLAG(KPF_HWPOISON) | FLAG(KPF_OFFLINE))

static uint64_t block_cost(const uint64_t *flags, size_t count, uint64_t free_cost)
{
	uint64_t cost = 0;

	for (size_t i = 0; i < count; i++) {
		if (flags[i] & FORBIDDEN_FLAGS)
			return FORBIDDEN;
		if (flags[i] & FLAG(KPF_PGTABLE))
			cost += PGTABLE_COST;
		if (flags[i] & FLAG(KPF_BUDDY))
			cost += free_cost;
	}
	return cost;
}

/* Free frames that the kernel has for movable pages alone become no shadow pages. */
static uint64_t free_cost(const struct runs *movable, uint64_t block)
{
	bool all = runs_contain(movable, block * BLOCK_PAGES) &&
		   runs_contain(movable, (block + 1) * BLOCK_PAGES - 1);

	return all ? 0 : BUDDY_COST;
}

static int read_costs(int fd, const char *path, const struct runs *usable,
		      const struct runs *movable, uint64_t *cost, size_t blocks, struct error *err)
{
	uint64_t flags[BLOCK_PAGES];

	for (size_t b = 0; b < blocks; b++)
		cost[b] = FORBIDDEN;
	for (size_t i = 0; i < usable->n; i++) {
		uint64_t first = usable->v[i].pfn, end = first + usable->v[i].count;

		for (uint64_t b = (first + BLOCK_PAGES - 1) / BLOCK_PAGES;
		     b < blocks && (b + 1) * BLOCK_PAGES <= end; b++) {
			ssize_t n = pread(fd, flags, sizeof(flags), b * sizeof(flags));

			if (n < 0)
				return error_errno(err, "%s", path);
			if (n == (ssize_t)sizeof(flags))
				cost[b] = block_cost(flags, BLOCK_PAGES, free_cost(movable, b));
		}
	}
	return 0;
}

/* The cheapest stretch of NEEDED blocks, lowest first; BLOCKS when there is none. */
static size_t cheapest(const uint64_t *cost, size_t blocks, size_t needed)
{
	uint64_t best_cost = FORBIDDEN, sum = 0;
	size_t best = blocks, length = 0;

	for (size_t b = FIRST_BLOCK; b < blocks; b++) {
		if (cost[b] == FORBIDDEN) {
			length = 0;
			sum = 0;
			continue;
		}
		sum += cost[b];
		if (++length > needed) {
			sum -= cost[b - needed];
			length = needed;
		}
		if (length == needed && sum < best_cost) {
			best_cost = sum;
			best = b + 1 - needed;
		}
	}
	return best;
}

int jump_place_check(const struct runs *ram, const struct runs *avoid, const char *kpageflags,
		     uint64_t start, uint64_t size, struct error *err)
{
	const struct run frames = { start >> FRAME_SHIFT, size >> FRAME_SHIFT };
	const struct runs place = { .v = (struct run *)&frames, .n = 1 };
	struct runs usable = { 0 }, there = { 0 };
	uint64_t flags[BLOCK_PAGES];
	bool fits;
	int fd, r;

	r = runs_subtract(ram, avoid, &usable);
	if (!r)
		r = runs_intersect(&usable, &place, &there);
	fits = !r && there.n == 1 && there.v[0].count == frames.count && start % BLOCK_SIZE == 0 &&
	       size % BLOCK_SIZE == 0 && frames.pfn + frames.count <= LIMIT_PFN;
	runs_free(&there);
	runs_free(&usable);
	if (r)
		return error_set(err, -r, "no memory to check the place for kernel B");
	fd = open(kpageflags, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "%s", kpageflags);
	for (uint64_t b = 0; fits && b < frames.count / BLOCK_PAGES; b++)
		fits = pread(fd, flags, sizeof(flags),
			     (off_t)((frames.pfn + b * BLOCK_PAGES) * sizeof(*flags))) ==
			       (ssize_t)sizeof(flags) &&
		       block_cost(flags, BLOCK_PAGES, 0) != FORBIDDEN;
	close(fd);
	return fits ? 0
		    : error_set(err, EADDRNOTAVAIL,
				"the kernel has something else at 0x%" PRIx64 ", where it lived",
				start);
}

int jump_place(const struct runs *ram, const struct runs *avoid, const struct runs *movable,
	       const char *kpageflags, uint64_t size, uint64_t *ret, struct error *err)
{
	size_t blocks = LIMIT_PFN / BLOCK_PAGES, needed = (size + BLOCK_SIZE - 1) / BLOCK_SIZE;
	uint64_t *cost = calloc(blocks, sizeof(*cost));
	struct runs usable = { 0 };
	int fd = -1, r;

	if (!cost) {
		r = error_set(err, ENOMEM, "no memory to search a place for kernel B");
		goto out;
	}
	r = runs_subtract(ram, avoid, &usable);
	if (r < 0) {
		r = error_set(err, -r, "no memory to search a place for kernel B");
		goto out;
	}
	fd = open(kpageflags, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		r = error_errno(err, "%s", kpageflags);
		goto out;
	}
	r = read_costs(fd, kpageflags, &usable, movable, cost, blocks, err);
	if (r < 0)
		goto out;
	size_t best = cheapest(cost, blocks, needed);

	if (best == blocks) {
		r = error_set(err, ENOMEM,
			      "no place for kernel B: no %" PRIu64
			      " MiB in one piece below 4 GiB without reserved pages",
			      size >> 20);
		goto out;
	}
	*ret = best * BLOCK_SIZE;
	r = 0;
out:
	if (fd >= 0)
		close(fd);
	runs_free(&usable);
	free(cost);
	return r;
}
