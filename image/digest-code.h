/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XXH3 of pages, compiled for one kind of instructions by whoever includes this: it defines
 * DIGEST_CODE, the name of the function, before, and is compiled with options of its own
 * (Makefile). Without DIGEST_CODE: what there is.
 */
#ifndef IMAGE_DIGEST_CODE_H
#define IMAGE_DIGEST_CODE_H

#ifdef DIGEST_CODE
#define XXH_INLINE_ALL
#else
#define XXH_STATIC_LINKING_ONLY
#endif
#include <xxhash.h>

#include "image/digest.h"

/* Digests of COUNT pages into RET. SECRET has DIGEST_SECRET bytes. */
typedef void digest_code(const unsigned char *secret, const unsigned char *pages, uint32_t count,
			 uint64_t *ret);

digest_code digest_scalar, digest_sse2, digest_avx2;

#ifdef DIGEST_CODE
void DIGEST_CODE(const unsigned char *secret, const unsigned char *pages, uint32_t count,
		 uint64_t *ret)
{
	for (; count; count--, pages += FRAME_SIZE)
		*ret++ = XXH3_64bits_withSecret(pages, FRAME_SIZE, secret, DIGEST_SECRET);
}
#endif

#endif
