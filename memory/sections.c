/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking mem_section[]: an array of pointers to pages full of struct mem_section. */
#include "memory/sections.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define SECTION_HAS_MEM_MAP 0x2ULL
#define SECTION_MAP_MASK    (~0xfffULL) /* flags are in the low bits */
#define ROOTS_MAX	    (1ULL << 20)

static int check_layout(const struct kernel_layout *layout, struct error *err)
{
	if (layout->mem_section_size < 8 || layout->mem_section_size > FRAME_SIZE ||
	    layout->section_map_offset > layout->mem_section_size - 8 ||
	    layout->section_bits < 21 || layout->section_bits > 40 ||
	    layout->mem_section_count > ROOTS_MAX)
		return error_set(err, EINVAL,
				 "vmcoreinfo: struct mem_section is not of a kind "
				 "this program knows");
	return 0;
}

/* All sections must name the same start: the value stored is memmap minus first frame. */
static int agree(const struct kernel_layout *layout, struct sections *sections, uint64_t map,
		 struct error *err)
{
	uint64_t start = map & SECTION_MAP_MASK;

	if (!sections->present.n)
		sections->vmemmap = start;
	if (start != sections->vmemmap || (layout->has_vmemmap && start != layout->vmemmap))
		return error_set(err, EINVAL,
				 "sections disagree about the memory map (0x%" PRIx64 ")", start);
	return 0;
}

static int read_root(struct virtual_memory *v, uint64_t root, uint64_t first_section,
		     struct sections *ret, struct error *err)
{
	const struct kernel_layout *layout = v->layout;
	uint64_t frames = 1ULL << (layout->section_bits - FRAME_SHIFT);
	size_t per_root = FRAME_SIZE / layout->mem_section_size;
	unsigned char page[FRAME_SIZE];
	int r = virtual_read(v, root, page, per_root * layout->mem_section_size, err);

	for (size_t i = 0; r == 0 && i < per_root; i++) {
		uint64_t map;

		memcpy(&map, page + i * layout->mem_section_size + layout->section_map_offset,
		       sizeof(map));
		if (!(map & SECTION_HAS_MEM_MAP))
			continue;
		r = agree(layout, ret, map, err);
		if (r == 0 && runs_add(&ret->present, (first_section + i) * frames, frames) < 0)
			r = error_set(err, ENOMEM, "list of sections");
	}
	return r;
}

int sections_read(struct virtual_memory *v, struct sections *ret, struct error *err)
{
	const struct kernel_layout *layout = v->layout;
	uint64_t roots[FRAME_SIZE / 8];
	const size_t batch = sizeof(roots) / sizeof(*roots);
	int r = check_layout(layout, err);

	for (uint64_t first = 0; r == 0 && first < layout->mem_section_count; first += batch) {
		size_t n = batch;

		if (n > layout->mem_section_count - first)
			n = layout->mem_section_count - first;
		r = virtual_read(v, layout->mem_section + 8 * first, roots, 8 * n, err);
		for (size_t i = 0; r == 0 && i < n; i++) {
			if (roots[i])
				r = read_root(v, roots[i],
					      (first + i) * (FRAME_SIZE / layout->mem_section_size),
					      ret, err);
		}
	}
	if (r == 0 && !ret->present.n)
		r = error_set(err, EINVAL, "no section of the memory map is present");
	return r < 0 ? error_prefix(err, "mem_section") : 0;
}
