/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key of an image in its box, and who opens it: the restore key, the sender's key (of X25519
 * either secret key with the other public key gives the same), or somebody who knows the keys of
 * some images.
 */
#ifndef SEAL_BOX_H
#define SEAL_BOX_H

#include "common/abi.h"
#include "seal/keys.h"

struct opener {
	bool pair;	    /* what follows is there */
	uint8_t shared[32]; /* of crypto_box */
	uint8_t name[16];   /* of the pair, key_box.pair */
	struct image_key known[REQUEST_KEYS_MAX + 1];
	unsigned known_count;
};

/* Both fail with EINVAL for public keys that are no keys. opener_end() wipes. */
int opener_restore(const struct restore_key *key, struct opener *ret, struct error *err);
int opener_sender(const struct sender_key *key, struct opener *ret, struct error *err);
void opener_know(struct opener *opener, const struct image_key *key); /* room is the caller's */
void opener_end(struct opener *opener);

/* Is the box for the pair that OPENER has a key of? The box itself says so, and may lie. */
bool opener_fits(const struct opener *opener, const struct key_box *box);

/*
 * The key of the image that is sealed by ALGORITHM, has this UUID and BOX. Errors, each with its
 * message: ENOKEY when OPENER is NULL or has nothing for it; EKEYREJECTED when the box is for
 * another pair, or was not made by the sender; EUCLEAN when the key in it is not the image's;
 * ENOTSUP as aead_check().
 */
int opener_open(const struct opener *opener, uint32_t algorithm, const uint8_t image_uuid[16],
		const struct key_box *box, struct image_key *ret, struct error *err);

/*
 * A fresh key for one image, which gets a UUID with it, and its box. To be wiped. Never to be used
 * for two images: nonces are numbers from 0 on.
 */
int box_make(const struct sender_key *sender, uint32_t algorithm, struct request_seal *ret,
	     struct error *err);

/* Are the two parts of a request's seal what box_make() makes, as far as anybody can say? */
bool box_possible(const struct request_seal *seal);

#endif
