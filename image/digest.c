/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Digests of pages, by the code that is the fastest one here: AVX2 where the processor has it, and
 * where processors are emulated, whose vector instructions are far slower than ordinary ones, none.
 * So it is measured, not looked up; which one it is changes no digest.
 */
#include "image/digest.h"

#include <pthread.h>
#include <stddef.h>

#include "common/clock.h"
#include "image/digest-code.h"

_Static_assert(DIGEST_SECRET >= XXH3_SECRET_SIZE_MIN, "XXH3 takes the secret");

#define TRIAL_PAGES 4
/* The first round has caches, and an emulator's translation, to fill. */
#define TRIAL_ROUNDS 16

static const struct {
	digest_code *code;
	bool avx2;
} codes[] = { { digest_sse2, false }, { digest_scalar, false }, { digest_avx2, true } };

static digest_code *fastest;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The shortest of some rounds, in nanoseconds. */
static uint64_t try_code(digest_code *code)
{
	static const unsigned char pages[TRIAL_PAGES * FRAME_SIZE];
	uint64_t shortest = UINT64_MAX, digests[TRIAL_PAGES];

	for (unsigned i = 0; i < TRIAL_ROUNDS; i++) {
		uint64_t start = clock_now(), taken;

		code(pages, pages, TRIAL_PAGES, digests);
		taken = clock_now() - start;
		if (taken < shortest)
			shortest = taken;
	}
	return shortest;
}

static void choose(void)
{
	uint64_t shortest = UINT64_MAX;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		uint64_t taken;

		/* Asks the processor, and whether the kernel keeps those registers. */
		if (codes[i].avx2 && !__builtin_cpu_supports("avx2"))
			continue;
		taken = try_code(codes[i].code);
		if (taken >= shortest)
			continue;
		shortest = taken;
		fastest = codes[i].code;
	}
}

void digest_pages(const struct image_identity *identity, const void *pages, uint32_t count,
		  uint64_t *ret)
{
	pthread_once(&once, choose);
	fastest(identity->secret, pages, count, ret);
}

void digest_secret(const uint8_t device_uuid[16], uint8_t ret[DIGEST_SECRET])
{
	XXH3_generateSecret(ret, DIGEST_SECRET, device_uuid, 16);
}
