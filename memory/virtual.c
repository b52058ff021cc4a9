/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page-table walks with four and five levels, and pages of 1 GiB, 2 MiB and 4 KiB. */
#include "memory/virtual.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory/kexec-list.h"

/* Intel SDM volume 3, 4.5: bits of paging-structure entries. */
#define ENTRY_PRESENT 0x1ULL
#define ENTRY_LARGE   0x80ULL
#define ENTRY_ADDRESS 0x000ffffffffff000ULL
#define ENTRY_SIZE    8

void virtual_close(struct virtual_memory *v)
{
	for (size_t i = 0; i < sizeof(v->tables) / sizeof(*v->tables); i++)
		memory_unmap(&v->tables[i]);
	memory_unmap(&v->data);
	free(v->swapped);
	v->swapped = NULL;
}

/* The RAM run that PFN lies in, or NULL. */
static const struct run *run_of(const struct runs *runs, uint64_t pfn)
{
	size_t low = 0, high = runs->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (runs->v[middle].pfn + runs->v[middle].count <= pfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low < runs->n && runs->v[low].pfn <= pfn ? runs->v + low : NULL;
}

/* How many bytes from ADDRESS on lie in one piece: up to the home, or to the end of its frame. */
static uint64_t one_piece(const struct runs *home, uint64_t address, uint64_t size)
{
	uint64_t pfn = address >> FRAME_SHIFT;

	for (size_t i = 0; i < home->n; i++) {
		uint64_t start = home->v[i].pfn, rest;

		if (start + home->v[i].count <= pfn)
			continue;
		rest = start <= pfn ? FRAME_SIZE - address % FRAME_SIZE
				    : (start << FRAME_SHIFT) - address;
		return rest < size ? rest : size;
	}
	return size;
}

/* Where the content of a frame of the home is now. */
static int find_swapped(struct virtual_memory *v, uint64_t *pfn, struct error *err)
{
	const struct frozen *frozen = v->frozen;
	size_t index = kexec_list_index(frozen->home, *pfn);
	int r = 0;

	if (index == SIZE_MAX)
		return 0;
	if (!v->swapped)
		r = kexec_list_read(frozen, &v->swapped, err);
	if (!r && !v->swapped[index])
		r = error_set(err, ENXIO, "nothing was swapped out of it");
	if (r) {
		error_prefix(err, "0x%" PRIx64 " lies in the home of kernel B",
			     *pfn << FRAME_SHIFT);
		return -(err->code = ENXIO);
	}
	*pfn = v->swapped[index];
	return 0;
}

static int map_physical(struct virtual_memory *v, struct memory_window *window, uint64_t address,
			uint64_t size, const void **ret, struct error *err)
{
	uint64_t pfn = address >> FRAME_SHIFT;
	uint64_t count = ((address + size - 1) >> FRAME_SHIFT) - pfn + 1;
	const struct run *run = run_of(v->frozen->ram, pfn);
	const void *base;
	int r;

	if (!run || count > run->pfn + run->count - pfn)
		return error_set(err, ENXIO, "0x%" PRIx64 "+%" PRIu64 " is not in RAM", address,
				 size);
	if (one_piece(v->frozen->home, address, size) < size)
		return error_set(err, ENXIO, "0x%" PRIx64 "+%" PRIu64 " is not in one piece",
				 address, size);
	r = find_swapped(v, &pfn, err);
	/* Nothing beyond is mapped ahead: walks go here and there. */
	if (!r)
		r = memory_map(v->frozen->memory, window, pfn, count, pfn + count, &base, err);
	if (r == 0)
		*ret = (const char *)base + address % FRAME_SIZE;
	return r;
}

int virtual_physical(struct virtual_memory *v, uint64_t address, uint64_t size, const void **ret,
		     struct error *err)
{
	return map_physical(v, &v->data, address, size, ret, err);
}

int virtual_translate(struct virtual_memory *v, uint64_t address, uint64_t *physical,
		      uint64_t *rest, struct error *err)
{
	uint64_t table = v->layout->root;

	for (int level = v->layout->level5 ? 4 : 3;; level--) {
		unsigned shift = FRAME_SHIFT + 9 * level;
		const void *bytes;
		uint64_t entry;
		int r = map_physical(v, &v->tables[level], table, FRAME_SIZE, &bytes, err);

		if (r < 0)
			return error_prefix(err, "page table of level %d", level + 1);
		memcpy(&entry, (const char *)bytes + (address >> shift) % 512 * ENTRY_SIZE,
		       sizeof(entry));
		if (!(entry & ENTRY_PRESENT))
			return error_set(err, EFAULT, "virtual 0x%" PRIx64 " is not mapped",
					 address);
		table = entry & ENTRY_ADDRESS & ~v->layout->sme_mask;
		if (level == 0 || (level <= 2 && (entry & ENTRY_LARGE))) {
			uint64_t size = 1ULL << shift, offset = address & (size - 1);

			*physical = (table & ~(size - 1)) + offset;
			*rest = one_piece(v->frozen->home, *physical, size - offset);
			return 0;
		}
	}
}

int virtual_read(struct virtual_memory *v, uint64_t address, void *buffer, size_t size,
		 struct error *err)
{
	char *to = buffer;

	while (size) {
		uint64_t physical, rest;
		const void *from;
		int r = virtual_translate(v, address, &physical, &rest, err);

		if (r < 0)
			return r;
		if (rest > size)
			rest = size;
		if (rest > FRAME_SIZE)
			rest = FRAME_SIZE;
		r = virtual_physical(v, physical, rest, &from, err);
		if (r < 0)
			return r;
		memcpy(to, from, rest);
		to += rest;
		address += rest;
		size -= rest;
	}
	return 0;
}
