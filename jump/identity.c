/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identity page tables, built in user space for physical memory elsewhere. */
#include "jump/identity.h"

#include <cpuid.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/abi.h"
#include "common/payload.h"

/* Intel SDM volume 3, 4.5: entries of four- and five-level paging. */
#define ENTRY_PRESENT  0x01ULL
#define ENTRY_WRITE    0x02ULL
#define ENTRY_UNCACHED 0x18ULL /* PWT and PCD */
#define ENTRY_LARGE    0x80ULL
#define ENTRY_ADDRESS  0x000ffffffffff000ULL
#define TABLE_ENTRIES  512
#define APIC_REGISTERS 0xfee00000ULL

enum { LEVEL_PT = 0, LEVEL_PD = 1, LEVEL_PDPT = 2, LEVEL_PML4 = 3 };

static unsigned level_shift(unsigned level)
{
	return FRAME_SHIFT + 9 * level;
}

bool identity_gib_pages(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && (d & (1U << 26));
}

static uint64_t *table_at(const struct identity *identity, uint64_t physical)
{
	return identity->tables + (physical - identity->base) / sizeof(uint64_t);
}

void identity_init(struct identity *identity, void *memory, size_t capacity, uint64_t base,
		   bool gib_pages)
{
	*identity = (struct identity){ .tables = memory,
				       .used = 2,
				       .capacity = capacity,
				       .base = base,
				       .gib_pages = gib_pages };
	memset(memory, 0, capacity * FRAME_SIZE);
	identity->tables[0] = (base + TABLES_PML4) | ENTRY_PRESENT | ENTRY_WRITE;
}

/* Map one page of the size of LEVEL at ADDRESS, a multiple of that size. */
static int map_page(struct identity *identity, uint64_t address, unsigned level, uint64_t flags,
		    struct error *err)
{
	uint64_t *table = identity->tables + TABLE_ENTRIES;
	uint64_t *entry;

	if (address >> 48)
		return error_set(err, EINVAL, "page tables: 0x%" PRIx64 " is beyond 256 TiB",
				 address);
	for (unsigned l = LEVEL_PML4;; l--) {
		entry = table + (address >> level_shift(l)) % TABLE_ENTRIES;
		if (l == level)
			break;
		if (*entry & ENTRY_LARGE)
			return 0; /* a larger page covers it */
		if (!*entry) {
			if (identity->used == identity->capacity)
				return error_set(err, ENOSPC, "page tables: more than %zu pages",
						 identity->capacity);
			*entry = (identity->base + identity->used++ * FRAME_SIZE) | ENTRY_PRESENT |
				 ENTRY_WRITE;
		}
		table = table_at(identity, *entry & ENTRY_ADDRESS);
	}
	if (!*entry)
		*entry = address | flags | ENTRY_PRESENT | ENTRY_WRITE |
			 (level == LEVEL_PT ? 0 : ENTRY_LARGE);
	return 0;
}

int identity_map(struct identity *identity, uint64_t start, uint64_t size, struct error *err)
{
	uint64_t end = start + size;

	while (start < end) {
		unsigned level = identity->gib_pages ? LEVEL_PDPT : LEVEL_PD;
		int r;

		while (level > LEVEL_PT && ((start & ((1ULL << level_shift(level)) - 1)) ||
					    end - start < 1ULL << level_shift(level)))
			level--;
		r = map_page(identity, start, level, 0, err);
		if (r < 0)
			return r;
		start += 1ULL << level_shift(level);
	}
	return 0;
}

int identity_map_registers(struct identity *identity, uint64_t address, struct error *err)
{
	return map_page(identity, address, LEVEL_PT, ENTRY_UNCACHED, err);
}

int identity_map_apic(struct identity *identity, struct error *err)
{
	return identity_map_registers(identity, APIC_REGISTERS, err);
}

size_t identity_bound(const struct run *ranges, size_t count, bool gib_pages)
{
	return payload_table_pages(ranges, count, gib_pages);
}
