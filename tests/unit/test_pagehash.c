/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checksum of pages: XXH64 as everybody computes it, however the pages are cut into runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/pagehash.h"

#define PAGES 16

static unsigned char pages[PAGES * FRAME_SIZE];

/* XXH64 of the nine bytes "123456789", from the algorithm's own documentation of test values. */
static void one_piece_is_xxh64(void **state)
{
	(void)state;
	assert_true(bytes_hash("123456789", 9) == 0x8cb841db40e6ae83ULL);
	assert_true(bytes_hash("", 0) == 0xef46db3751d8e999ULL);
}

static void cuts_do_not_matter(void **state)
{
	uint64_t whole = page_hash(0, pages, PAGES);

	(void)state;
	for (size_t cut = 0; cut <= PAGES; cut++)
		assert_true(page_hash(page_hash(0, pages, cut), pages + cut * FRAME_SIZE,
				      PAGES - cut) == whole);
	assert_true(page_hash(0, pages, 0) == 0);
}

static void every_page_and_its_place_count(void **state)
{
	uint64_t whole = page_hash(0, pages, PAGES);
	unsigned char other[2 * FRAME_SIZE];

	(void)state;
	for (size_t at = 5; at < sizeof(pages); at += 977) {
		pages[at] ^= 0x10;
		assert_true(page_hash(0, pages, PAGES) != whole);
		pages[at] ^= 0x10;
	}
	memcpy(other, pages + FRAME_SIZE, FRAME_SIZE);
	memcpy(other + FRAME_SIZE, pages, FRAME_SIZE);
	assert_true(page_hash(0, other, 2) != page_hash(0, pages, 2));
}

static int fill(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pages); i++)
		pages[i] = (unsigned char)rand();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_piece_is_xxh64),
		cmocka_unit_test(cuts_do_not_matter),
		cmocka_unit_test(every_page_and_its_place_count),
	};

	return cmocka_run_group_tests_name("pagehash", tests, fill, NULL);
}
