/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC32C: vectors from RFC 3720, and the CPU's instruction against the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"

static void test_vectors(void **state)
{
	unsigned char bytes[32];

	(void)state;
	assert_int_equal(crc32c(0, "", 0), 0);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(crc32c(0, bytes, sizeof(bytes)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(crc32c(0, bytes, sizeof(bytes)), 0x62a8ab43);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	assert_int_equal(crc32c(0, bytes, sizeof(bytes)), 0x46dd794e);
}

/* One bit at a time: the definition. */
static uint32_t by_definition(uint32_t crc, const unsigned char *bytes, size_t size)
{
	crc = ~crc;
	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* Sizes and alignments on both sides of every step, and of the size from which the CPU is asked. */
static void test_all_ways_agree(void **state)
{
	static const size_t sizes[] = { 0,   1,	   7,	 8,    9,    15,   16,	 64,   255,
					511, 4095, 4096, 4097, 4103, 4104, 8191, 65536 };
	unsigned char *bytes = malloc(65536 + 8);

	(void)state;
	srandom(2);
	for (size_t i = 0; i < 65536 + 8; i++)
		bytes[i] = random();
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		for (size_t skew = 0; skew < 8; skew++) {
			uint32_t crc = by_definition(12345, bytes + skew, sizes[s]);

			assert_int_equal(crc32c_table(12345, bytes + skew, sizes[s]), crc);
			assert_int_equal(crc32c(12345, bytes + skew, sizes[s]), crc);
		}
	free(bytes);
}

static void test_goes_on(void **state)
{
	unsigned char bytes[10000];
	uint32_t whole;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i * 7;
	whole = crc32c(0, bytes, sizeof(bytes));
	for (size_t cut = 0; cut <= sizeof(bytes); cut += 499)
		assert_int_equal(crc32c(crc32c(0, bytes, cut), bytes + cut, sizeof(bytes) - cut),
				 whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_all_ways_agree),
		cmocka_unit_test(test_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
