/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identity page tables: walked as the CPU would, every address maps to itself or not at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/abi.h"
#include "jump/identity.h"

#define BASE  0x7f600000ULL
#define PAGES 64
#define MIB   (1ULL << 20)
#define GIB   (1ULL << 30)

struct fixture {
	struct identity identity;
	uint64_t *memory;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->memory = aligned_alloc(FRAME_SIZE, PAGES * FRAME_SIZE);
	identity_init(&f->identity, f->memory, PAGES, BASE, false);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->memory);
	free(f);
	return 0;
}

/* Walk with LEVELS levels; the physical address, or UINT64_MAX. *FLAGS gets the leaf's low bits. */
static uint64_t walk(const struct fixture *f, uint64_t address, int levels, uint64_t *flags)
{
	const uint64_t *table = f->memory + (levels == 5 ? 0 : 512);

	for (int shift = 12 + 9 * (levels - 1);; shift -= 9) {
		uint64_t entry = table[address >> shift & 511];
		uint64_t size = 1ULL << shift;

		if (!(entry & 1))
			return UINT64_MAX;
		if (shift == 12 || (entry & 0x80)) {
			*flags = entry & 0xfff;
			return (entry & 0x000ffffffffff000ULL & ~(size - 1)) +
			       (address & (size - 1));
		}
		uint64_t next = (entry & 0x000ffffffffff000ULL) - BASE;

		assert_true(next < PAGES * FRAME_SIZE);
		table = f->memory + next / 8;
	}
}

static void assert_mapped(const struct fixture *f, uint64_t start, uint64_t end)
{
	uint64_t flags;

	for (uint64_t a = start; a < end; a += FRAME_SIZE) {
		assert_int_equal(walk(f, a, 4, &flags), a);
		assert_int_equal(walk(f, a + 0x123, 5, &flags), a + 0x123);
		assert_int_equal(flags & 0x1b, 0x03); /* writable, cached */
	}
	assert_int_equal(walk(f, start - FRAME_SIZE, 4, &flags), UINT64_MAX);
	assert_int_equal(walk(f, end, 4, &flags), UINT64_MAX);
}

static void ragged_range_maps_exactly_itself(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(identity_map(&f->identity, 5 * MIB - FRAME_SIZE, 9 * MIB, &f->err), 0);
	assert_mapped(f, 5 * MIB - FRAME_SIZE, 14 * MIB - FRAME_SIZE);
}

static void range_across_a_gib_border(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(identity_map(&f->identity, GIB - 3 * MIB, 6 * MIB, &f->err), 0);
	assert_mapped(f, GIB - 3 * MIB, GIB + 3 * MIB);
}

static void gib_pages_are_used_only_where_the_whole_gib_is_mapped(void **state)
{
	struct fixture *f = *state;
	uint64_t flags;

	identity_init(&f->identity, f->memory, PAGES, BASE, true);
	assert_int_equal(identity_map(&f->identity, 2 * GIB - 2 * MIB, 2 * GIB, &f->err), 0);
	assert_int_equal(walk(f, 2 * GIB + 5, 4, &flags), 2 * GIB + 5);
	assert_true(f->memory[2 * 512 + 2] & 0x80); /* behind PML5 and PML4: the PDPT */
	assert_int_equal(walk(f, 4 * GIB - 2 * MIB - 1, 4, &flags), 4 * GIB - 2 * MIB - 1);
	assert_int_equal(walk(f, 4 * GIB - 2 * MIB, 4, &flags), UINT64_MAX);
}

static void overlap_keeps_what_is_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(identity_map(&f->identity, 2 * MIB, 4 * MIB, &f->err), 0);
	size_t used = f->identity.used;

	assert_int_equal(identity_map(&f->identity, 3 * MIB + FRAME_SIZE, FRAME_SIZE, &f->err), 0);
	assert_int_equal(f->identity.used, used);
	assert_mapped(f, 2 * MIB, 6 * MIB);
}

static void apic_is_uncached(void **state)
{
	struct fixture *f = *state;
	uint64_t flags;

	assert_int_equal(identity_map_apic(&f->identity, &f->err), 0);
	assert_int_equal(walk(f, 0xfee00300, 4, &flags), 0xfee00300);
	assert_int_equal(flags & 0x1b, 0x1b);
}

static void too_few_pages_is_an_error(void **state)
{
	struct fixture *f = *state;

	identity_init(&f->identity, f->memory, 3, BASE, false);
	assert_int_equal(identity_map(&f->identity, 0, FRAME_SIZE, &f->err), -ENOSPC);
	assert_string_equal(f->err.text, "page tables: more than 3 pages");
}

static void beyond_four_levels_is_an_error(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(identity_map(&f->identity, 1ULL << 48, FRAME_SIZE, &f->err), -EINVAL);
}

/* Map the ranges, and two pages of registers, into as many tables as the bound says. */
static void map_within_bound(const struct run *ranges, size_t count, bool gib_pages)
{
	size_t bound = identity_bound(ranges, count, gib_pages);
	void *memory = aligned_alloc(FRAME_SIZE, bound * FRAME_SIZE);
	struct identity identity;
	struct error err = { 0 };

	assert_non_null(memory);
	identity_init(&identity, memory, bound, BASE, gib_pages);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(identity_map(&identity, ranges[i].pfn << FRAME_SHIFT,
					      ranges[i].count << FRAME_SHIFT, &err),
				 0);
	assert_int_equal(identity_map_apic(&identity, &err), 0);
	assert_int_equal(identity_map_registers(&identity, 0xb8000, &err), 0);
	free(memory);
}

/* The bound must hold for the worst: every range ragged at both ends, at any distance. */
static void bound_holds(void **state)
{
	const struct run ragged[] = {
		{ 1, 0x401 }, { 0x701, 0x401 }, { 0x3ffff, 0x401 }, { 0xc0005, 0x401 }
	};
	uint64_t random = 1;

	(void)state;
	map_within_bound(NULL, 0, false);
	map_within_bound(ragged, 4, false);
	map_within_bound(ragged, 4, true);
	for (int round = 0; round < 2000; round++) {
		struct run ranges[12];
		uint64_t pfn = 0;

		for (size_t i = 0; i < 12; i++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			pfn += random >> 40 >> (random >> 33) % 24;
			ranges[i] = (struct run){ pfn,
						  (random >> 20 & 0xfffff) >> (random >> 12) % 20 };
			ranges[i].count++;
			pfn += ranges[i].count + 1;
		}
		map_within_bound(ranges, 12, round % 2);
	}
}

/* RAM at a high address, as memory expanders have it, costs no more than elsewhere. */
static void bound_does_not_grow_with_the_address(void **state)
{
	const struct run ranges[] = { { 0x100, 0x80000 }, { 1ULL << 34, 0x40000 } }; /* 64 TiB */

	(void)state;
	assert_in_range(identity_bound(ranges, 2, false), 1, 20);
	map_within_bound(ranges, 2, false);
	map_within_bound(ranges, 2, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(ragged_range_maps_exactly_itself),
		T(range_across_a_gib_border),
		T(gib_pages_are_used_only_where_the_whole_gib_is_mapped),
		T(overlap_keeps_what_is_there),
		T(apic_is_uncached),
		T(too_few_pages_is_an_error),
		T(beyond_four_levels_is_an_error),
		cmocka_unit_test(bound_holds),
		cmocka_unit_test(bound_does_not_grow_with_the_address),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
