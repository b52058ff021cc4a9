/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digests of pages. */
#include "image/digest.h"

#include <xxhash.h>

#include "common/safe.h"

_Static_assert(DIGEST_SECRET >= XXH3_SECRET_SIZE_MIN, "XXH3 takes the secret");

void digest_pages(const struct image_identity *identity, const void *pages, uint32_t count,
		  uint64_t *ret)
{
	bool secret = !safe_is_zero(identity->boot, sizeof(identity->boot));
	const unsigned char *page = pages;

	for (uint32_t i = 0; i < count; i++, page += FRAME_SIZE)
		ret[i] = secret ? XXH3_64bits_withSecret(page, FRAME_SIZE, identity->secret,
							 sizeof(identity->secret))
				: XXH3_64bits(page, FRAME_SIZE);
}
