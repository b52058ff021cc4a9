/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A page's digest is the same, by whatever instructions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "image/digest-code.h"

#define PAGES	 64
#define RESERVED UINT64_C(0x1234567812345678)

static unsigned char pages[PAGES * FRAME_SIZE] __attribute__((aligned(FRAME_SIZE)));
static struct image_identity identity;

static int fill(void **state)
{
	(void)state;
	srand(20);
	/* The first page stays all zero. */
	for (size_t i = FRAME_SIZE; i < sizeof(pages); i++)
		pages[i] = (unsigned char)(rand() >> 8);
	for (size_t i = 0; i < sizeof(identity.secret); i++)
		identity.secret[i] = (unsigned char)(rand() >> 8);
	return 0;
}

/* What the library says, whose code is another one again. */
static uint64_t expected(const unsigned char *page)
{
	return XXH3_64bits_withSecret(page, FRAME_SIZE, identity.secret, DIGEST_SECRET);
}

static void check_code(digest_code *code)
{
	uint64_t digests[PAGES + 1];

	digests[PAGES] = RESERVED;
	code(identity.secret, pages, PAGES, digests);
	for (size_t i = 0; i < PAGES; i++)
		assert_int_equal(digests[i], expected(pages + i * FRAME_SIZE));
	assert_int_equal(digests[PAGES], RESERVED);
	code(identity.secret, pages, 0, digests + PAGES);
	assert_int_equal(digests[PAGES], RESERVED);
}

static void scalar(void **state)
{
	(void)state;
	check_code(digest_scalar);
}

static void sse2(void **state)
{
	(void)state;
	check_code(digest_sse2);
}

static void avx2(void **state)
{
	(void)state;
	if (!__builtin_cpu_supports("avx2")) {
		print_message("this processor has no AVX2\n");
		skip();
	}
	check_code(digest_avx2);
}

static void chosen(void **state)
{
	uint64_t digests[PAGES];

	(void)state;
	digest_pages(&identity, pages, PAGES, digests);
	for (size_t i = 0; i < PAGES; i++)
		assert_int_equal(digests[i], expected(pages + i * FRAME_SIZE));
}

/* Of two devices it is another one; of the same the same. */
static void secret_of_a_device(void **state)
{
	const uint8_t uuid[2][16] = { { 1, 2, 3 }, { 1, 2, 4 } };
	uint8_t secrets[3][DIGEST_SECRET];
	uint64_t own;

	(void)state;
	digest_secret(uuid[0], secrets[0]);
	digest_secret(uuid[1], secrets[1]);
	digest_secret(uuid[0], secrets[2]);
	assert_memory_equal(secrets[0], secrets[2], DIGEST_SECRET);
	assert_memory_not_equal(secrets[0], secrets[1], DIGEST_SECRET);
	memcpy(identity.secret, secrets[0], DIGEST_SECRET);
	digest_pages(&identity, pages + FRAME_SIZE, 1, &own);
	assert_int_not_equal(own, XXH3_64bits(pages + FRAME_SIZE, FRAME_SIZE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalar),
		cmocka_unit_test(sse2),
		cmocka_unit_test(avx2),
		cmocka_unit_test(chosen),
		cmocka_unit_test(secret_of_a_device),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
