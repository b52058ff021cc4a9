/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two ciphers of sealed images, AES-256-GCM and XChaCha20-Poly1305, by either of two libraries.
 * What one seals the other one opens. For the files of seal/ alone.
 *
 * libgcrypt is two to three times as fast as libsodium before 1.0.19, but few distributions have
 * it as a static library: it is a part of programs that are built with so old a libsodium. Where it
 * runs in FIPS mode it encrypts with no nonce of the caller's, and libsodium does it after all.
 */
#ifndef SEAL_CIPHERS_H
#define SEAL_CIPHERS_H

#include <sodium/version.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Here alone: the Makefile and scripts/missing ask it. */
#define CIPHERS_GCRYPT (SODIUM_LIBRARY_VERSION_MAJOR < 26)

#define CIPHERS_KEY   32
#define CIPHERS_NONCE 24 /* of XChaCha20-Poly1305; AES-256-GCM takes the first 12 bytes */
#define CIPHERS_TAG   16

/* What is authenticated beside the bytes; SIZE bytes of the caller's. */
struct ciphers_about {
	uint8_t nonce[CIPHERS_NONCE];
	const void *associated;
	size_t size;
};

/*
 * One library. A state is one thread's, holds one key at a time and is wiped by its end. Bytes are
 * encrypted and decrypted where they are; open() is false, and the bytes are worthless, when they,
 * the tag or what is about them are not what was sealed. A processor without instructions for AES
 * must not be asked for it.
 */
struct ciphers {
	const char *library;
	bool (*usable)(void);  /* once before the others */
	void *(*create)(void); /* NULL: no memory */
	void (*free)(void *state);
	void (*use_key)(void *state, uint32_t algorithm, const uint8_t key[CIPHERS_KEY]);
	void (*seal)(void *state, const struct ciphers_about *about, void *bytes, size_t size,
		     uint8_t tag[CIPHERS_TAG]);
	bool (*open)(void *state, const struct ciphers_about *about, void *bytes, size_t size,
		     const uint8_t tag[CIPHERS_TAG]);
};

/* Bytes of a state at most, with what the library takes for it. */
#define CIPHERS_BYTES 4096

extern const struct ciphers ciphers_sodium;
#if CIPHERS_GCRYPT
extern const struct ciphers ciphers_gcrypt;
#endif

/* The faster one that is usable. */
const struct ciphers *ciphers_best(void);

#endif
