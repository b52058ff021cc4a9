/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "seal/aead.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "seal/keys.h"
#include "seal/start.h"

#define SUBKEY_SHIFT 16 /* numbers under one subkey: 65536 chunks of 1 MiB are 64 GiB */

_Static_assert(AEAD_TAG == crypto_aead_aes256gcm_ABYTES, "one size of tags");
_Static_assert(AEAD_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "one size of tags");
_Static_assert(crypto_aead_aes256gcm_KEYBYTES == crypto_kdf_KEYBYTES, "one size of keys");
_Static_assert(crypto_kdf_CONTEXTBYTES == 8, "size of the labels below");

struct aead {
	crypto_aead_aes256gcm_state aes;
	uint8_t subkey[32];
	struct image_key key; /* that the subkey comes from; algorithm 0: none yet */
	uint32_t what;
	uint64_t block; /* of 65536 numbers */
};

_Static_assert(sizeof(struct aead) <= AEAD_BYTES, "what callers count with");

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
	void *aead = NULL;

	if (seal_start(&ignored) || posix_memalign(&aead, 64, sizeof(struct aead)))
		return NULL;
	memset(aead, 0, sizeof(struct aead));
	return aead;
}

void aead_free(struct aead *aead)
{
	if (!aead)
		return;
	keys_wipe(aead, sizeof(*aead));
	free(aead);
}

/* --- keys and nonces --- */

static void use_key(struct aead *aead, const struct image_key *key, const struct aead_place *place)
{
	uint64_t block = place->number >> SUBKEY_SHIFT;

	if (aead->key.algorithm && aead->what == place->what && aead->block == block &&
	    !sodium_memcmp(&aead->key, key, sizeof(*key)))
		return;
	aead->key = *key;
	aead->what = place->what;
	aead->block = block;
	crypto_kdf_derive_from_key(aead->subkey, sizeof(aead->subkey), block,
				   place->what == AEAD_INDEX ? "kj index" : "kj data ", key->key);
	if (key->algorithm == ALGORITHM_AES256_GCM)
		crypto_aead_aes256gcm_beforenm(&aead->aes, aead->subkey);
	keys_wipe_stack();
}

struct message {
	uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
	struct {
		uint8_t image_uuid[16];
		struct aead_place place;
	} associated;
};

_Static_assert(sizeof(struct aead_place) == 40, "no padding in what is authenticated");

static void describe(const struct image_key *key, const struct aead_place *place,
		     struct message *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->nonce, &place->number, sizeof(place->number));
	memcpy(ret->associated.image_uuid, key->image_uuid, sizeof(key->image_uuid));
	ret->associated.place = *place;
}

/* --- sealing and opening --- */

void aead_seal(struct aead *aead, const struct image_key *key, const struct aead_place *place,
	       void *bytes, size_t size, uint8_t tag[AEAD_TAG])
{
	struct message message;

	use_key(aead, key, place);
	describe(key, place, &message);
	if (key->algorithm == ALGORITHM_AES256_GCM)
		crypto_aead_aes256gcm_encrypt_detached_afternm(
			bytes, tag, NULL, bytes, size, (const uint8_t *)&message.associated,
			sizeof(message.associated), NULL, message.nonce, &aead->aes);
	else
		crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
			bytes, tag, NULL, bytes, size, (const uint8_t *)&message.associated,
			sizeof(message.associated), NULL, message.nonce, aead->subkey);
}

bool aead_open(struct aead *aead, const struct image_key *key, const struct aead_place *place,
	       void *bytes, size_t size, const uint8_t tag[AEAD_TAG])
{
	struct message message;

	use_key(aead, key, place);
	describe(key, place, &message);
	if (key->algorithm == ALGORITHM_AES256_GCM)
		return !crypto_aead_aes256gcm_decrypt_detached_afternm(
			bytes, NULL, bytes, size, tag, (const uint8_t *)&message.associated,
			sizeof(message.associated), message.nonce, &aead->aes);
	return !crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
		bytes, NULL, bytes, size, tag, (const uint8_t *)&message.associated,
		sizeof(message.associated), message.nonce, aead->subkey);
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
