/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/abi.h"
#include "seal/ciphers.h"
#include "seal/keys.h"
#include "seal/start.h"

_Static_assert(CIPHERS_KEY == crypto_aead_aes256gcm_KEYBYTES, "one size of keys");
_Static_assert(CIPHERS_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "one size of keys");
_Static_assert(CIPHERS_TAG == crypto_aead_aes256gcm_ABYTES, "one size of tags");
_Static_assert(CIPHERS_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "one size of tags");
_Static_assert(CIPHERS_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "size of nonces");

struct state {
	crypto_aead_aes256gcm_state aes;
	uint32_t algorithm;
	uint8_t key[CIPHERS_KEY]; /* of XChaCha20-Poly1305 */
};

_Static_assert(sizeof(struct state) <= CIPHERS_BYTES, "what callers count with");

static bool usable(void)
{
	struct error ignored;

	return !seal_start(&ignored);
}

static void *create(void)
{
	void *state = NULL;

	if (posix_memalign(&state, 64, sizeof(struct state)))
		return NULL;
	memset(state, 0, sizeof(struct state));
	return state;
}

static void destroy(void *state)
{
	if (!state)
		return;
	keys_wipe(state, sizeof(struct state));
	free(state);
}

static void use_key(void *of, uint32_t algorithm, const uint8_t key[CIPHERS_KEY])
{
	struct state *state = of;

	state->algorithm = algorithm;
	if (algorithm == ALGORITHM_AES256_GCM)
		crypto_aead_aes256gcm_beforenm(&state->aes, key);
	else
		memcpy(state->key, key, sizeof(state->key));
}

static void seal(void *of, const struct ciphers_about *about, void *bytes, size_t size,
		 uint8_t tag[CIPHERS_TAG])
{
	struct state *state = of;

	if (state->algorithm == ALGORITHM_AES256_GCM)
		crypto_aead_aes256gcm_encrypt_detached_afternm(bytes, tag, NULL, bytes, size,
							       about->associated, about->size, NULL,
							       about->nonce, &state->aes);
	else
		crypto_aead_xchacha20poly1305_ietf_encrypt_detached(bytes, tag, NULL, bytes, size,
								    about->associated, about->size,
								    NULL, about->nonce, state->key);
}

static bool open_(void *of, const struct ciphers_about *about, void *bytes, size_t size,
		  const uint8_t tag[CIPHERS_TAG])
{
	struct state *state = of;

	if (state->algorithm == ALGORITHM_AES256_GCM)
		return !crypto_aead_aes256gcm_decrypt_detached_afternm(
			bytes, NULL, bytes, size, tag, about->associated, about->size, about->nonce,
			&state->aes);
	return !crypto_aead_xchacha20poly1305_ietf_decrypt_detached(bytes, NULL, bytes, size, tag,
								    about->associated, about->size,
								    about->nonce, state->key);
}

const struct ciphers ciphers_sodium = {
	.library = "libsodium",
	.usable = usable,
	.create = create,
	.free = destroy,
	.use_key = use_key,
	.seal = seal,
	.open = open_,
};
