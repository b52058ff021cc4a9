/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "seal/aead.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "seal/ciphers.h"
#include "seal/keys.h"
#include "seal/start.h"

#define SUBKEY_SHIFT 16 /* numbers under one subkey: 65536 chunks of 1 MiB are 64 GiB */

_Static_assert(AEAD_TAG == CIPHERS_TAG, "one size of tags");
_Static_assert(CIPHERS_KEY == crypto_kdf_KEYBYTES, "one size of keys");
_Static_assert(crypto_kdf_CONTEXTBYTES == 8, "size of the labels below");

struct aead {
	const struct ciphers *ciphers;
	void *state;
	struct image_key key; /* that the subkey in STATE comes from; algorithm 0: none yet */
	uint32_t what;
	uint64_t block; /* of 65536 numbers */
};

_Static_assert(sizeof(struct aead) + CIPHERS_BYTES <= AEAD_BYTES, "what callers count with");

const char *aead_name(uint32_t algorithm)
{
	static const char *const names[] = {
		[ALGORITHM_NONE] = "not sealed",
		[ALGORITHM_AES256_GCM] = "AES-256-GCM",
		[ALGORITHM_XCHACHA20_POLY1305] = "XChaCha20-Poly1305",
	};

	return algorithm < sizeof(names) / sizeof(names[0]) ? names[algorithm] : NULL;
}

uint32_t aead_best(void)
{
	struct error ignored;

	return !aead_check(ALGORITHM_AES256_GCM, &ignored) ? ALGORITHM_AES256_GCM
							   : ALGORITHM_XCHACHA20_POLY1305;
}

int aead_check(uint32_t algorithm, struct error *err)
{
	int code = seal_start(err);

	if (code)
		return code;
	if (!algorithm || !aead_name(algorithm))
		return error_set(err, ENOTSUP,
				 "sealed in a way that is not known here (number %u): a newer "
				 "kjump is needed",
				 algorithm);
	if (algorithm == ALGORITHM_AES256_GCM && !crypto_aead_aes256gcm_is_available())
		return error_set(err, ENOTSUP,
				 "sealed with AES-256-GCM, for which this processor has no "
				 "instructions");
	return 0;
}

struct aead *aead_create(void)
{
	struct error ignored;
	struct aead *aead;

	if (seal_start(&ignored) || !(aead = calloc(1, sizeof(*aead))))
		return NULL;
	aead->ciphers = ciphers_best();
	aead->state = aead->ciphers->create();
	if (aead->state)
		return aead;
	free(aead);
	return NULL;
}

void aead_free(struct aead *aead)
{
	if (!aead)
		return;
	aead->ciphers->free(aead->state);
	keys_wipe(aead, sizeof(*aead));
	free(aead);
}

/* --- keys and nonces --- */

static void use_key(struct aead *aead, const struct image_key *key, const struct aead_place *place)
{
	uint64_t block = place->number >> SUBKEY_SHIFT;
	uint8_t subkey[CIPHERS_KEY];

	if (aead->key.algorithm && aead->what == place->what && aead->block == block &&
	    !sodium_memcmp(&aead->key, key, sizeof(*key)))
		return;
	aead->key = *key;
	aead->what = place->what;
	aead->block = block;
	crypto_kdf_derive_from_key(subkey, sizeof(subkey), block,
				   place->what == AEAD_INDEX ? "kj index" : "kj data ", key->key);
	aead->ciphers->use_key(aead->state, key->algorithm, subkey);
	keys_wipe(subkey, sizeof(subkey));
	keys_wipe_stack();
}

struct associated {
	uint8_t image_uuid[16];
	struct aead_place place;
};

_Static_assert(sizeof(struct aead_place) == 40, "no padding in what is authenticated");

/* Points into ASSOCIATED. */
static struct ciphers_about describe(const struct image_key *key, const struct aead_place *place,
				     struct associated *associated)
{
	struct ciphers_about ret = { .associated = associated, .size = sizeof(*associated) };

	memcpy(ret.nonce, &place->number, sizeof(place->number));
	memcpy(associated->image_uuid, key->image_uuid, sizeof(key->image_uuid));
	associated->place = *place;
	return ret;
}

/* --- sealing and opening --- */

void aead_seal(struct aead *aead, const struct image_key *key, const struct aead_place *place,
	       void *bytes, size_t size, uint8_t tag[AEAD_TAG])
{
	struct associated associated;
	struct ciphers_about about = describe(key, place, &associated);

	use_key(aead, key, place);
	aead->ciphers->seal(aead->state, &about, bytes, size, tag);
}

bool aead_open(struct aead *aead, const struct image_key *key, const struct aead_place *place,
	       void *bytes, size_t size, const uint8_t tag[AEAD_TAG])
{
	struct associated associated;
	struct ciphers_about about = describe(key, place, &associated);

	use_key(aead, key, place);
	return aead->ciphers->open(aead->state, &about, bytes, size, tag);
}

/* --- tags of what is in clear --- */

struct aead_mac {
	crypto_generichash_state state;
};

struct aead_mac *aead_mac_create(const struct image_key *key)
{
	struct error ignored;
	void *mac = NULL;
	uint8_t subkey[32];

	if (seal_start(&ignored) || posix_memalign(&mac, 64, sizeof(struct aead_mac)))
		return NULL;
	crypto_kdf_derive_from_key(subkey, sizeof(subkey), 0, "kj envel", key->key);
	crypto_generichash_init(&((struct aead_mac *)mac)->state, subkey, sizeof(subkey), AEAD_TAG);
	keys_wipe(subkey, sizeof(subkey));
	keys_wipe_stack();
	return mac;
}

void aead_mac_update(struct aead_mac *mac, const void *bytes, size_t size)
{
	crypto_generichash_update(&mac->state, bytes, size);
}

void aead_mac_end(struct aead_mac *mac, uint8_t tag[AEAD_TAG])
{
	if (!mac)
		return;
	if (tag)
		crypto_generichash_final(&mac->state, tag, AEAD_TAG);
	keys_wipe(mac, sizeof(*mac));
	free(mac);
}

bool aead_same_tag(const uint8_t a[AEAD_TAG], const uint8_t b[AEAD_TAG])
{
	return !sodium_memcmp(a, b, AEAD_TAG);
}
