/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "seal/ciphers.h"

#if CIPHERS_GCRYPT

#include <gcrypt.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/abi.h"
#include "seal/keys.h"

/*
 * XChaCha20-Poly1305 is ChaCha20-Poly1305 with a key that HChaCha20 makes of the key and the first
 * 16 bytes of the nonce, and four zeros before the other eight as its nonce
 * (draft-irtf-cfrg-xchacha-03, section 2.3).
 */
#define AES_NONCE      12
#define HCHACHA_INPUT  crypto_core_hchacha20_INPUTBYTES
#define CHACHA_NONCE   12
#define CHACHA_COUNTED 4 /* zeros */

_Static_assert(CIPHERS_KEY == crypto_core_hchacha20_KEYBYTES, "one size of keys");
_Static_assert(CIPHERS_NONCE == HCHACHA_INPUT + CHACHA_NONCE - CHACHA_COUNTED, "size of nonces");

struct state {
	gcry_cipher_hd_t aes, chacha; /* 3.2 KB with what libgcrypt 1.10 has for them */
	uint32_t algorithm;
	uint8_t key[CIPHERS_KEY]; /* of XChaCha20-Poly1305 */
};

/* --- the library --- */

static bool started;

/* The first key of each cipher makes libgcrypt test it. */
static bool works(int cipher, int mode)
{
	static const uint8_t key[CIPHERS_KEY];
	gcry_cipher_hd_t handle;
	bool ret;

	if (gcry_cipher_open(&handle, cipher, mode, 0))
		return false;
	ret = !gcry_cipher_setkey(handle, key, sizeof(key));
	gcry_cipher_close(handle);
	return ret;
}

static void start(void)
{
	/* No keys are made here: neither its locked memory is needed nor its random numbers. */
	if (!gcry_check_version("1.9.0"))
		return;
	if (!gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) {
		gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
		gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	}
	started = !gcry_fips_mode_active() && works(GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM) &&
		  works(GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_POLY1305);
}

static bool usable(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start);
	return started;
}

/* --- a state --- */

static void destroy(void *of)
{
	struct state *state = of;

	if (!state)
		return;
	gcry_cipher_close(state->aes); /* these wipe what was in them */
	gcry_cipher_close(state->chacha);
	keys_wipe(state, sizeof(*state));
	free(state);
}

static void *create(void)
{
	struct state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	if (gcry_cipher_open(&state->aes, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM, 0) ||
	    gcry_cipher_open(&state->chacha, GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_POLY1305, 0)) {
		destroy(state);
		return NULL;
	}
	return state;
}

static void use_key(void *of, uint32_t algorithm, const uint8_t key[CIPHERS_KEY])
{
	struct state *state = of;

	state->algorithm = algorithm;
	if (algorithm == ALGORITHM_AES256_GCM)
		gcry_cipher_setkey(state->aes, key, CIPHERS_KEY);
	else
		memcpy(state->key, key, sizeof(state->key));
}

/* --- bytes --- */

static gcry_cipher_hd_t begin_chacha(struct state *state, const struct ciphers_about *about)
{
	uint8_t key[CIPHERS_KEY], nonce[CHACHA_NONCE] = { 0 };

	crypto_core_hchacha20(key, about->nonce, state->key, NULL);
	memcpy(nonce + CHACHA_COUNTED, about->nonce + HCHACHA_INPUT, CHACHA_NONCE - CHACHA_COUNTED);
	gcry_cipher_setkey(state->chacha, key, sizeof(key)); /* which also resets it */
	gcry_cipher_setiv(state->chacha, nonce, sizeof(nonce));
	keys_wipe(key, sizeof(key));
	return state->chacha;
}

static gcry_cipher_hd_t begin_aes(struct state *state, const struct ciphers_about *about)
{
	gcry_cipher_reset(state->aes);
	gcry_cipher_setiv(state->aes, about->nonce, AES_NONCE);
	return state->aes;
}

static gcry_cipher_hd_t begin(struct state *state, const struct ciphers_about *about)
{
	gcry_cipher_hd_t cipher = state->algorithm == ALGORITHM_AES256_GCM
					  ? begin_aes(state, about)
					  : begin_chacha(state, about);

	gcry_cipher_authenticate(cipher, about->associated, about->size);
	gcry_cipher_final(cipher);
	return cipher;
}

/*
 * These fail for wrong sizes, wrong orders of calls and ciphers that do not work, which start() has
 * ruled out. Should one fail all the same, bytes may be in clear still: whoever wrote them must
 * end.
 */
static void seal(void *of, const struct ciphers_about *about, void *bytes, size_t size,
		 uint8_t tag[CIPHERS_TAG])
{
	gcry_cipher_hd_t cipher = begin(of, about);

	if (gcry_cipher_encrypt(cipher, bytes, size, NULL, 0) ||
	    gcry_cipher_gettag(cipher, tag, CIPHERS_TAG))
		abort();
}

static bool open_(void *of, const struct ciphers_about *about, void *bytes, size_t size,
		  const uint8_t tag[CIPHERS_TAG])
{
	gcry_cipher_hd_t cipher = begin(of, about);

	return !gcry_cipher_decrypt(cipher, bytes, size, NULL, 0) &&
	       !gcry_cipher_checktag(cipher, tag, CIPHERS_TAG);
}

const struct ciphers ciphers_gcrypt = {
	.library = "libgcrypt",
	.usable = usable,
	.create = create,
	.free = destroy,
	.use_key = use_key,
	.seal = seal,
	.open = open_,
};

#endif
