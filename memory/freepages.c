/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scan of the memory map: one word of each struct page tells whether a free block of the
 * buddy allocator starts there, another one its order. Blocks are jumped over, so the cost is
 * 1.6 % of the memory in use. The kernel is frozen, so nothing changes meanwhile.
 */
#include "memory/freepages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/long-runs.h"
#include "memory/backend.h"
#include "memory/sections.h"
#include "memory/virtual.h"
#include "memory/vmcoreinfo.h"

#define BAD_MAX	       16   /* stray values that may be taken as in use */
#define DIFFERENCE_MAX 1024 /* per-CPU counters not yet folded, blocks being isolated */
#define ZONES_MAX      16
#define NODES_MAX      1024
#define SLACK_PER_BAD                                                                              \
	64 /* on a running kernel: pages that may be miscounted for each stray value */
#define TYPE_TOP   0xff000000U
#define READ_AHEAD 256 /* struct pages, where they are read: a large free block skips most */

struct scan {
	struct virtual_memory v;
	struct kernel_layout layout;
	struct sections sections;
	uint64_t slack;
	uint32_t buddy_mask; /* of the type, to be compared for free pages */
	struct free_pages pages;
	struct long_runs free;
};

void free_pages_free(struct free_pages *pages)
{
	runs_free(&pages->free);
	runs_free(&pages->untouchable);
}

static uint32_t word32(const unsigned char *page, uint64_t offset)
{
	uint32_t value;

	memcpy(&value, page + offset, sizeof(value));
	return value;
}

static uint64_t word64(const unsigned char *page, uint64_t offset)
{
	uint64_t value;

	memcpy(&value, page + offset, sizeof(value));
	return value;
}

static bool inside(const struct runs *runs, uint64_t pfn, uint64_t count)
{
	/* Sorted and merged: a block is inside when its ends are in the same run. */
	for (size_t low = 0, high = runs->n; low < high;) {
		size_t middle = (low + high) / 2;
		const struct run *run = runs->v + middle;

		if (run->pfn + run->count <= pfn)
			low = middle + 1;
		else if (run->pfn > pfn)
			high = middle;
		else
			return count <= run->pfn + run->count - pfn;
	}
	return false;
}

/* Frames to go on by after the free block at PFN; 0 when this is none after all. */
static uint64_t free_block(const struct scan *scan, const unsigned char *page, uint64_t pfn)
{
	uint64_t order = word64(page, scan->layout.page_private);
	uint64_t count;

	if (order >= scan->layout.orders || word32(page, scan->layout.page_refcount) != 0)
		return 0;
	count = 1ULL << order;
	if (pfn % count || !inside(scan->v.frozen->ram, pfn, count) ||
	    !inside(&scan->sections.present, pfn, count))
		return 0;
	return count;
}

/* Linux 6.12: types are numbers in the top byte, what is below may be something else. */
static bool has_top_byte(uint32_t known)
{
	return known >= 0xf0000000U && !(known & ~TYPE_TOP);
}

static bool is_type(uint32_t type, bool known, uint32_t wanted)
{
	uint32_t mask = has_top_byte(wanted) ? TYPE_TOP : UINT32_MAX;

	return known && (type & mask) == (wanted & mask);
}

static bool is_poisoned(const struct kernel_layout *layout, const unsigned char *page)
{
	return layout->has_hwpoison &&
	       (word64(page, layout->page_flags) >> layout->hwpoison_bit & 1);
}

/* Judge one struct page; *STEP frames are dealt with. */
static int judge(struct scan *scan, const unsigned char *page, uint64_t pfn, uint64_t *step)
{
	const struct kernel_layout *layout = &scan->layout;
	uint32_t type = word32(page, layout->page_mapcount);

	*step = 1;
	if ((type & scan->buddy_mask) == layout->buddy) {
		uint64_t count = free_block(scan, page, pfn);

		if (!count) {
			scan->pages.bad++;
			return 0;
		}
		*step = count;
		scan->pages.found += count;
		return long_runs_add(&scan->free, pfn, count);
	}
	if (is_type(type, layout->has_unaccepted, layout->unaccepted))
		*step = 1ULL << (layout->orders - 1);
	else if (is_poisoned(layout, page))
		scan->pages.poisoned++;
	else if (is_type(type, layout->has_offline, layout->offline))
		scan->pages.offline++;
	else
		return 0;
	if (scan->pages.limit && scan->pages.untouchable.n > scan->pages.limit)
		return -E2BIG;
	return runs_add(&scan->pages.untouchable, pfn, *step);
}

/* Struct pages of [*PFN, END) as far as one page of the memory map reaches. */
static int scan_leaf(struct scan *scan, uint64_t *pfn, uint64_t end, struct error *err)
{
	const uint64_t size = scan->layout.page_size_of_struct;
	uint64_t address = scan->sections.vmemmap + *pfn * size;
	uint64_t physical, rest, count;
	const void *base;
	int r = virtual_translate(&scan->v, address, &physical, &rest, err);

	if (r == -EFAULT) { /* a hole in the memory map: these frames have no struct page */
		*pfn += (FRAME_SIZE - address % FRAME_SIZE) / size;
		return 0;
	}
	if (r < 0)
		return r;
	count = rest / size;
	if (count > end - *pfn)
		count = end - *pfn;
	if (scan->v.frozen->memory->by_read && count > READ_AHEAD)
		count = READ_AHEAD;
	r = virtual_physical(&scan->v, physical, count * size, &base, err);
	if (r < 0)
		return error_prefix(err, "struct page of frame 0x%" PRIx64, *pfn);
	for (uint64_t i = 0; i < count;) {
		uint64_t step;

		r = judge(scan, (const unsigned char *)base + i * size, *pfn + i, &step);
		if (r == -E2BIG)
			return error_set(err, E2BIG,
					 "more ranges that must not be touched than there is "
					 "memory to list");
		if (r < 0)
			return error_set(err, -r, "list of free pages");
		i += step;
		if (i >= count)
			count = i; /* a block may reach beyond this page of the memory map */
	}
	*pfn += count;
	return 0;
}

static int scan_all(struct scan *scan, struct error *err)
{
	for (size_t i = 0; i < scan->sections.present.n; i++) {
		const struct run *run = scan->sections.present.v + i;

		for (uint64_t pfn = run->pfn; pfn < run->pfn + run->count;) {
			int r = scan_leaf(scan, &pfn, run->pfn + run->count, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int check_layout(const struct kernel_layout *layout, struct error *err)
{
	uint64_t size = layout->page_size_of_struct;

	/* A struct page across two pages would have to be put together first. */
	if (size < 32 || FRAME_SIZE % size || layout->page_flags > size - 8 ||
	    layout->page_private > size - 8 || layout->page_mapcount > size - 4 ||
	    layout->page_refcount > size - 4 || layout->hwpoison_bit > 63 || !layout->orders ||
	    layout->orders > 20 || layout->node_count > NODES_MAX)
		return error_set(err, EINVAL,
				 "vmcoreinfo: struct page is not of a kind this program knows");
	return 0;
}

/* The walker must find the kernel's first instruction where the kernel says it is. */
static int check_walk(struct scan *scan, struct error *err)
{
	uint64_t physical, rest;
	int r = virtual_translate(&scan->v, scan->layout.stext, &physical, &rest, err);

	if (r < 0)
		return error_prefix(err, "_stext");
	if (physical != scan->layout.stext - KERNEL_MAP_START + scan->layout.phys_base)
		return error_set(err, EINVAL, "_stext is not where phys_base says");
	return 0;
}

static int count_node(struct scan *scan, uint64_t node, struct error *err)
{
	const struct kernel_layout *layout = &scan->layout;
	int32_t zones;
	int r = virtual_read(&scan->v, node + layout->node_nr_zones, &zones, sizeof(zones), err);

	if (r < 0)
		return r;
	if (zones < 0 || zones > ZONES_MAX)
		return error_set(err, EINVAL, "a node with %d zones", zones);
	for (int32_t z = 0; z < zones; z++) {
		uint64_t counter = node + layout->node_zones + z * layout->zone_size +
				   layout->zone_vm_stat + 8 * layout->nr_free_pages;
		uint64_t value;

		r = virtual_read(&scan->v, counter, &value, sizeof(value), err);
		if (r < 0)
			return r;
		scan->pages.counted += value;
	}
	return 0;
}

/* The zones' own counters of free pages. */
static int count_free(struct scan *scan, struct error *err)
{
	const struct kernel_layout *layout = &scan->layout;

	for (uint64_t i = 0; i < layout->node_count; i++) {
		uint64_t node = layout->nodes;
		int r = 0;

		if (layout->numa)
			r = virtual_read(&scan->v, layout->nodes + 8 * i, &node, sizeof(node), err);
		if (r == 0 && node)
			r = count_node(scan, node, err);
		if (r < 0)
			return error_prefix(err, "node %" PRIu64, i);
	}
	return 0;
}

static int check_result(const struct free_pages *pages, uint64_t slack, struct error *err)
{
	uint64_t difference = pages->found > pages->counted ? pages->found - pages->counted
							    : pages->counted - pages->found;

	if (pages->bad > BAD_MAX + slack / SLACK_PER_BAD)
		return error_set(err, EINVAL, "%" PRIu64 " blocks look free but cannot be",
				 pages->bad);
	if (difference > DIFFERENCE_MAX + slack)
		return error_set(err, EINVAL,
				 "found %" PRIu64 " free pages, the zones count %" PRIu64,
				 pages->found, pages->counted);
	return 0;
}

/* Keep what is inside RAM and outside the home, sorted. */
static int clip(struct runs *list, const struct runs *ram, const struct runs *home)
{
	struct runs in_ram = { 0 }, ret = { 0 };
	int r;

	runs_sort(list);
	r = runs_intersect(list, ram, &in_ram);
	if (r == 0)
		r = runs_subtract(&in_ram, home, &ret);
	runs_free(&in_ram);
	if (r < 0) {
		runs_free(&ret);
		return r;
	}
	runs_free(list);
	*list = ret;
	return 0;
}

/* Scan, and compare with what the zones count. */
static int scan_and_check(struct scan *scan, uint32_t buddy_mask, struct error *err)
{
	const size_t limit = scan->pages.limit;
	int r;

	free_pages_free(&scan->pages);
	scan->pages =
		(struct free_pages){ .limit = limit, .by_top_byte = buddy_mask != UINT32_MAX };
	scan->free = (struct long_runs){ .limit = limit };
	scan->buddy_mask = buddy_mask;
	r = scan_all(scan, err);
	long_runs_end(&scan->free);
	scan->pages.free = scan->free.list;
	if (r == 0)
		r = count_free(scan, err);
	return r ? r : check_result(&scan->pages, scan->slack, err);
}

static int scan_by_some_rule(struct scan *scan, struct error *err)
{
	struct error second = { 0 };
	int r = scan_and_check(scan, UINT32_MAX, err);

	if (r == -EINVAL && has_top_byte(scan->layout.buddy) &&
	    scan_and_check(scan, TYPE_TOP, &second) == 0)
		r = 0;
	return r;
}

static int find(struct scan *scan, const char *vmcoreinfo, struct error *err)
{
	const struct runs *ram = scan->v.frozen->ram, *home = scan->v.frozen->home;
	int r = vmcoreinfo_parse(vmcoreinfo, &scan->layout, err);

	if (r == 0)
		r = check_layout(&scan->layout, err);
	if (r == 0)
		r = check_walk(scan, err);
	if (r == 0)
		r = sections_read(&scan->v, &scan->sections, err);
	if (r == 0)
		r = scan_by_some_rule(scan, err);
	if (r == 0 && (clip(&scan->pages.free, ram, home) < 0 ||
		       clip(&scan->pages.untouchable, ram, home) < 0))
		r = error_set(err, ENOMEM, "list of free pages");
	return r;
}

int free_pages_find(const struct frozen *frozen, const char *vmcoreinfo, uint64_t slack,
		    struct free_pages *ret, struct error *err)
{
	struct scan scan = { .slack = slack, .pages.limit = ret->limit };
	int r;

	scan.v = (struct virtual_memory){ .frozen = frozen, .layout = &scan.layout };
	r = find(&scan, vmcoreinfo, err);
	virtual_close(&scan.v);
	runs_free(&scan.sections.present);
	if (r < 0)
		free_pages_free(&scan.pages);
	else
		*ret = scan.pages;
	return r;
}
