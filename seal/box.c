/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "seal/box.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "common/safe.h"
#include "seal/aead.h"
#include "seal/start.h"

_Static_assert(sizeof(((struct key_box *)0)->box) ==
		       crypto_box_MACBYTES + sizeof(((struct image_key *)0)->key),
	       "a key in a box");
_Static_assert(sizeof(((struct key_box *)0)->nonce) == crypto_box_NONCEBYTES, "nonce of a box");
_Static_assert(sizeof(((struct opener *)0)->shared) == crypto_box_BEFORENMBYTES, "shared key");

/* Both public keys: it tells a wrong key from a wrong sender, and nothing else. */
static void name_pair(const uint8_t restorer[KEYS_BYTES], const uint8_t sender[KEYS_BYTES],
		      uint8_t ret[16])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 16);
	crypto_generichash_update(&state, (const uint8_t *)"kjump pair", 10);
	crypto_generichash_update(&state, restorer, KEYS_BYTES);
	crypto_generichash_update(&state, sender, KEYS_BYTES);
	crypto_generichash_final(&state, ret, 16);
}

/* That one key fits is no property of the ciphers: without this a box could have two contents. */
static void commit(const struct image_key *key, uint8_t ret[32])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, (const uint8_t *)"kjump image", 11);
	crypto_generichash_update(&state, key->key, sizeof(key->key));
	crypto_generichash_update(&state, key->image_uuid, sizeof(key->image_uuid));
	crypto_generichash_final(&state, ret, 32);
	keys_wipe(&state, sizeof(state));
	keys_wipe_stack();
}

/* --- who opens --- */

int opener_restore(const struct restore_key *key, struct opener *ret, struct error *err)
{
	uint8_t restorer[KEYS_BYTES];
	int code = seal_start(err);

	*ret = (struct opener){ .pair = true };
	if (code)
		return code;
	crypto_scalarmult_base(restorer, key->secret);
	name_pair(restorer, key->sender, ret->name);
	if (crypto_box_beforenm(ret->shared, key->sender, key->secret))
		return error_set(err, EINVAL, "restore key: the sender's public key is none");
	return 0;
}

int opener_sender(const struct sender_key *key, struct opener *ret, struct error *err)
{
	uint8_t sender[KEYS_BYTES];
	int code = seal_start(err);

	*ret = (struct opener){ .pair = true };
	if (code)
		return code;
	crypto_scalarmult_base(sender, key->secret);
	name_pair(key->restorer, sender, ret->name);
	if (crypto_box_beforenm(ret->shared, key->restorer, key->secret))
		return error_set(err, EINVAL, "sender's key: the restorer's public key is none");
	return 0;
}

void opener_know(struct opener *opener, const struct image_key *key)
{
	opener->known[opener->known_count++] = *key;
}

void opener_end(struct opener *opener)
{
	keys_wipe(opener, sizeof(*opener));
	keys_wipe_stack();
}

static const struct image_key *find_known(const struct opener *opener, const uint8_t uuid[16])
{
	for (unsigned i = 0; i < opener->known_count; i++)
		if (!memcmp(opener->known[i].image_uuid, uuid, 16))
			return &opener->known[i];
	return NULL;
}

bool opener_fits(const struct opener *opener, const struct key_box *box)
{
	return opener->pair && !memcmp(opener->name, box->pair, sizeof(box->pair));
}

static int open_box(const struct opener *opener, const struct key_box *box, uint8_t key[32],
		    struct error *err)
{
	if (!opener->pair)
		return error_set(err, ENOKEY, "sealed, and its key is not known here");
	if (!opener_fits(opener, box))
		return error_set(err, EKEYREJECTED,
				 "wrong key: the image is sealed for another restore key");
	if (crypto_box_open_easy_afternm(key, box->box, sizeof(box->box), box->nonce,
					 opener->shared))
		return error_set(err, EKEYREJECTED,
				 "not sealed by this system's sender key: made by somebody else, "
				 "or its key was changed");
	return 0;
}

int opener_open(const struct opener *opener, uint32_t algorithm, const uint8_t image_uuid[16],
		const struct key_box *box, struct image_key *ret, struct error *err)
{
	struct image_key key = { .algorithm = algorithm };
	const struct image_key *known;
	uint8_t commitment[32];
	int code = aead_check(algorithm, err);

	if (code)
		return code;
	if (!opener)
		return error_set(err, ENOKEY, "sealed, and no key was given");
	memcpy(key.image_uuid, image_uuid, sizeof(key.image_uuid));
	known = find_known(opener, image_uuid);
	if (known)
		memcpy(key.key, known->key, sizeof(key.key));
	else
		code = open_box(opener, box, key.key, err);
	if (!code) {
		commit(&key, commitment);
		if (sodium_memcmp(commitment, box->commitment, sizeof(commitment)))
			code = error_set(err, EUCLEAN,
					 "sealed with another key than it says: changed, or put "
					 "together of two images");
	}
	if (!code)
		*ret = key;
	keys_wipe(&key, sizeof(key));
	return code;
}

/* --- a new image --- */

static void box_up(const struct opener *opener, struct request_seal *seal)
{
	commit(&seal->key, seal->box.commitment);
	memcpy(seal->box.pair, opener->name, sizeof(seal->box.pair));
	crypto_box_easy_afternm(seal->box.box, seal->key.key, sizeof(seal->key.key),
				seal->box.nonce, opener->shared);
}

int box_make(const struct sender_key *sender, uint32_t algorithm, struct request_seal *ret,
	     struct error *err)
{
	struct opener opener;
	int code = opener_sender(sender, &opener, err);

	memset(ret, 0, sizeof(*ret));
	if (!code)
		code = aead_check(algorithm, err);
	if (!code)
		code = seal_random(ret->key.key, sizeof(ret->key.key), err);
	if (!code)
		code = seal_random(ret->key.image_uuid, sizeof(ret->key.image_uuid), err);
	if (!code)
		code = seal_random(ret->box.nonce, sizeof(ret->box.nonce), err);
	if (!code) {
		/* Version 4, as of any image. */
		ret->key.image_uuid[6] = (ret->key.image_uuid[6] & 0x0f) | 0x40;
		ret->key.image_uuid[8] = (ret->key.image_uuid[8] & 0x3f) | 0x80;
		ret->key.algorithm = algorithm;
		box_up(&opener, ret);
	} else {
		keys_wipe(ret, sizeof(*ret));
	}
	opener_end(&opener);
	return code;
}

bool box_possible(const struct request_seal *seal)
{
	uint8_t commitment[32];

	if (!seal->key.algorithm)
		return safe_is_zero(seal, sizeof(*seal));
	if (safe_is_zero(seal->key.key, sizeof(seal->key.key)) ||
	    seal->flags & ~(uint32_t)SEAL_PINNED || seal->count > REQUEST_KEYS_MAX)
		return false;
	commit(&seal->key, commitment);
	return !sodium_memcmp(commitment, seal->box.commitment, sizeof(commitment));
}
