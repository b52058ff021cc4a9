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
static uint64_t expected(const unsigned char *secret, const unsigned char *page)
{
	return secret ? XXH3_64bits_withSecret(page, FRAME_SIZE, secret, DIGEST_SECRET)
		      : XXH3_64bits(page, FRAME_SIZE);
}

static void check_code(digest_code *code)
{
	const unsigned char *secrets[] = { NULL, identity.secret };
	uint64_t digests[PAGES + 1];

	for (size_t k = 0; k < 2; k++) {
		digests[PAGES] = RESERVED;
		code(secrets[k], pages, PAGES, digests);
		for (size_t i = 0; i < PAGES; i++)
			assert_int_equal(digests[i], expected(secrets[k], pages + i * FRAME_SIZE));
		assert_int_equal(digests[PAGES], RESERVED);
		code(secrets[k], pages, 0, digests + PAGES);
		assert_int_equal(digests[PAGES], RESERVED);
	}
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
		assert_int_equal(digests[i], expected(NULL, pages + i * FRAME_SIZE));
	identity.boot[3] = 1;
	digest_pages(&identity, pages, PAGES, digests);
	for (size_t i = 0; i < PAGES; i++)
		assert_int_equal(digests[i], expected(identity.secret, pages + i * FRAME_SIZE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalar),
		cmocka_unit_test(sse2),
		cmocka_unit_test(avx2),
		cmocka_unit_test(chosen),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
