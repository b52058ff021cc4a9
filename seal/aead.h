/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of an image, encrypted and authenticated: AES-256-GCM, or XChaCha20-Poly1305 where the
 * processor has no AES. No random numbers: a nonce is a number under a key that is fresh for each
 * image, and the caller's to use once. Of each key at most 65536 chunks of 1 MiB are under one
 * subkey.
 */
#ifndef SEAL_AEAD_H
#define SEAL_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"
#include "common/error.h"

#define AEAD_TAG 16

/* What is sealed; the two have subkeys, and so numbers, of their own. */
enum aead_what {
	AEAD_DATA = 1,	/* chunks and pieces of digests */
	AEAD_INDEX = 2, /* blocks of the index */
};

/*
 * What belongs to the bytes without being in them: with the image's UUID it is the associated data.
 * docs/image-format.md has their order.
 */
struct aead_place {
	uint32_t what;	 /* enum aead_what */
	uint32_t codec;	 /* of a chunk; AEAD_DIGESTS for digests */
	uint64_t number; /* also the nonce: once under one key */
	uint64_t offset; /* on the device; in the index for its blocks */
	uint64_t size;	 /* of the bytes */
	uint64_t pages;	 /* of a chunk; digests; blocks of the whole index */
};

#define AEAD_DIGESTS UINT32_MAX

/* "AES-256-GCM", "XChaCha20-Poly1305"; NULL when no program knows the number. */
const char *aead_name(uint32_t algorithm);

/* The better one on this processor. */
uint32_t aead_best(void);

/* ENOTSUP, with the name, when this program or this processor has not got the algorithm. */
int aead_check(uint32_t algorithm, struct error *err);

/* One thread's ciphers, with the subkey that was used last. NULL: no memory. Wiped by its end. */
struct aead;
struct aead *aead_create(void);
void aead_free(struct aead *aead);

/* Bytes of one. */
#define AEAD_BYTES 4352

/* Encrypt SIZE bytes where they are. The algorithm of KEY must be one that aead_check() allows. */
void aead_seal(struct aead *aead, const struct image_key *key, const struct aead_place *place,
	       void *bytes, size_t size, uint8_t tag[AEAD_TAG]);

/*
 * Decrypt where they are. False when bytes, tag or place are not what was sealed with this key;
 * the bytes are worthless then.
 */
bool aead_open(struct aead *aead, const struct image_key *key, const struct aead_place *place,
	       void *bytes, size_t size, const uint8_t tag[AEAD_TAG]);

/* A tag of bytes in clear, BLAKE2b with a subkey of KEY: SIZE bytes in any number of pieces. */
struct aead_mac;
struct aead_mac *aead_mac_create(const struct image_key *key);
void aead_mac_update(struct aead_mac *mac, const void *bytes, size_t size);
void aead_mac_end(struct aead_mac *mac, uint8_t tag[AEAD_TAG]); /* frees it; TAG may be NULL */

/* Are the two the same? In constant time. */
bool aead_same_tag(const uint8_t a[AEAD_TAG], const uint8_t b[AEAD_TAG]);

#endif
