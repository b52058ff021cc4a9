/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digests of pages, which tell whether a page is what it was at the image before. */
#ifndef IMAGE_DIGEST_H
#define IMAGE_DIGEST_H

#include "image/image.h"

/*
 * XXH3 with 64 bits of each of COUNT pages, with the secret of IDENTITY: without one a program
 * could make two pages of the same digest, and the machine would go on with the wrong one.
 */
void digest_pages(const struct image_identity *identity, const void *pages, uint32_t count,
		  uint64_t *ret);

/*
 * The secret where no boot is known (core files): made of the device's UUID, which is random and
 * which no program in the dumped machine knows.
 */
void digest_secret(const uint8_t device_uuid[16], uint8_t ret[DIGEST_SECRET]);

#endif
