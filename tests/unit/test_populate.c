/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After populate() every page is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/mman.h>

#include <cmocka.h>

#include "common/abi.h"
#include "restore/populate.h"

static void every_page_is_present(void **state)
{
	static const size_t counts[] = { 1, 2, 3, 7, 64, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		size_t size = counts[i] * FRAME_SIZE;
		unsigned char present[1000];
		void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				  -1, 0);

		assert_true(base != MAP_FAILED);
		madvise(base, size, MADV_NOHUGEPAGE);
		populate(base, size, FRAME_SIZE);
		assert_int_equal(mincore(base, size, present), 0);
		for (size_t p = 0; p < counts[i]; p++)
			assert_int_equal(present[p] & 1, 1);
		munmap(base, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_page_is_present) };

	return cmocka_run_group_tests_name("populate", tests, NULL, NULL);
}
