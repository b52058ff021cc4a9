/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How large the restore payload's segment is. */
#include "common/payload.h"

enum { LEVEL_PT = 0, LEVEL_PD = 1, LEVEL_PDPT = 2, LEVEL_PML4 = 3 };

static unsigned level_shift(unsigned level)
{
	return FRAME_SHIFT + 9 * level;
}

/* How many entries of LEVEL does the range touch, from *NEXT on? Those before it were counted. */
static uint64_t count_entries(uint64_t start, uint64_t end, unsigned level, uint64_t *next)
{
	uint64_t first = start >> level_shift(level),
		 behind = ((end - 1) >> level_shift(level)) + 1;

	if (first < *next)
		first = *next;
	if (behind <= first)
		return 0;
	*next = behind;
	return behind - first;
}

static uint64_t at_most(uint64_t n, uint64_t limit)
{
	return n < limit ? n : limit;
}

uint64_t payload_table_pages(const struct run *ranges, size_t count, bool gib_pages)
{
	/* PML5 and PML4, and three tables for each of two pages of registers. */
	uint64_t tables = 2 + 2 * 3, next[LEVEL_PML4 + 1] = { 0 };

	for (size_t i = 0; i < count; i++) {
		uint64_t start = ranges[i].pfn << FRAME_SHIFT;
		uint64_t end = start + (ranges[i].count << FRAME_SHIFT);
		uint64_t n = count_entries(start, end, LEVEL_PML4, &next[LEVEL_PML4]);

		tables += n;
		/* Where large pages do, only the ragged ends of a range need a table. */
		n = count_entries(start, end, LEVEL_PDPT, &next[LEVEL_PDPT]);
		tables += gib_pages ? at_most(n, 2) : n;
		n = count_entries(start, end, LEVEL_PD, &next[LEVEL_PD]);
		tables += at_most(n, 2);
	}
	return tables;
}

uint64_t payload_size(const struct run *ranges, size_t count, bool gib_pages, uint64_t chunks,
		      uint64_t runs, uint64_t clears)
{
	uint64_t size = PAYLOAD_TABLES +
			payload_table_pages(ranges, count, gib_pages) * FRAME_SIZE +
			chunks * sizeof(struct payload_chunk) + runs * sizeof(struct payload_run) +
			clears * sizeof(struct payload_clear);

	return (size + FRAME_SIZE - 1) & ~(uint64_t)(FRAME_SIZE - 1);
}
