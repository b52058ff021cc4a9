/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every aead_seal() of a program that is linked with --wrap for it: no number may be used twice
 * under one key for one kind, because the second use would give away what both sealed.
 */
#ifndef TESTS_NONCES_H
#define TESTS_NONCES_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "seal/aead.h"

#define NONCES (1u << 22) /* places; a program that fills half of them is told to take more */

static struct {
	pthread_mutex_t lock;
	uint64_t *used; /* by hash; 0: nothing */
	size_t n;
} nonces = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t nonces_hash(const struct image_key *key, const struct aead_place *place)
{
	unsigned char bytes[sizeof(key->key) + 16] = { 0 };

	memcpy(bytes, key->key, sizeof(key->key));
	memcpy(bytes + sizeof(key->key), &place->what, sizeof(place->what));
	memcpy(bytes + sizeof(key->key) + 8, &place->number, sizeof(place->number));
	return XXH3_64bits(bytes, sizeof(bytes)) | 1;
}

/* A thread may call this, for which cmocka's ways to fail are not. */
static void nonces_use(const struct image_key *key, const struct aead_place *place)
{
	uint64_t hash = nonces_hash(key, place);
	size_t i = hash >> 32;

	pthread_mutex_lock(&nonces.lock);
	if (!nonces.used)
		nonces.used = calloc(NONCES, sizeof(*nonces.used));
	if (!nonces.used || ++nonces.n > NONCES / 2) {
		fprintf(stderr, "nonces: no room for another one\n");
		abort();
	}
	while (nonces.used[i % NONCES] && nonces.used[i % NONCES] != hash)
		i++;
	if (nonces.used[i % NONCES]) {
		fprintf(stderr, "nonce used twice under one key: %s %llu, codec %u\n",
			place->what == AEAD_DATA ? "data" : "index",
			(unsigned long long)place->number, place->codec);
		abort();
	}
	nonces.used[i % NONCES] = hash;
	pthread_mutex_unlock(&nonces.lock);
}

void __real_aead_seal(struct aead *aead, const struct image_key *key,
		      const struct aead_place *place, void *bytes, size_t size,
		      uint8_t tag[AEAD_TAG]);
void __wrap_aead_seal(struct aead *aead, const struct image_key *key,
		      const struct aead_place *place, void *bytes, size_t size,
		      uint8_t tag[AEAD_TAG]);
void __wrap_aead_seal(struct aead *aead, const struct image_key *key,
		      const struct aead_place *place, void *bytes, size_t size,
		      uint8_t tag[AEAD_TAG])
{
	nonces_use(key, place);
	__real_aead_seal(aead, key, place, bytes, size, tag);
}

#endif
