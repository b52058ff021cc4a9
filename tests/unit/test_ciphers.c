/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ciphers by each library: what specifications say, and what the other one opens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/abi.h"
#include "seal/ciphers.h"

#define BYTES 70000

static const struct ciphers *const all[] = {
	&ciphers_sodium,
#if CIPHERS_GCRYPT
	&ciphers_gcrypt,
#endif
};

#define LIBRARIES (sizeof(all) / sizeof(all[0]))

struct vector {
	uint32_t algorithm;
	const char *key, *nonce, *associated, *clear, *sealed, *tag;
};

static const struct vector vectors[] = {
	{
		/* McGrew and Viega, The Galois/Counter Mode of Operation, test case 16 */
		ALGORITHM_AES256_GCM,
		"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888",
		"feedfacedeadbeeffeedfacedeadbeefabaddad2",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
		"76fc6ece0f4e1768cddf8853bb2d551b",
	},
	{
		/* draft-irtf-cfrg-xchacha-03, A.3.1 */
		ALGORITHM_XCHACHA20_POLY1305,
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		"404142434445464748494a4b4c4d4e4f5051525354555657",
		"50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
		"73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
		"6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
		"637265656e20776f756c642062652069742e",
		"bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
		"731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
		"2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
		"21f9664c97637da9768812f615c68b13b52e",
		"c0875924c1c7987947deafd8780acf49",
	},
};

#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static size_t from_hex(const char *hex, uint8_t *ret, size_t max)
{
	size_t size = 0;

	assert_int_equal(sodium_hex2bin(ret, max, hex, strlen(hex), NULL, &size, NULL), 0);
	return size;
}

static bool runs_here(uint32_t algorithm)
{
	return algorithm != ALGORITHM_AES256_GCM || crypto_aead_aes256gcm_is_available();
}

static void *create(const struct ciphers *ciphers)
{
	void *state;

	assert_true(ciphers->usable());
	state = ciphers->create();
	assert_non_null(state);
	return state;
}

static void check_vector(const struct ciphers *ciphers, const struct vector *vector)
{
	struct ciphers_about about = { .size = 0 };
	uint8_t key[CIPHERS_KEY], associated[32], bytes[128], clear[128], sealed[128];
	uint8_t tag[CIPHERS_TAG], expected[CIPHERS_TAG];
	size_t size = from_hex(vector->clear, clear, sizeof(clear));
	void *cipher = create(ciphers);

	from_hex(vector->key, key, sizeof(key));
	from_hex(vector->nonce, about.nonce, sizeof(about.nonce));
	from_hex(vector->sealed, sealed, sizeof(sealed));
	from_hex(vector->tag, expected, sizeof(expected));
	about.associated = associated;
	about.size = from_hex(vector->associated, associated, sizeof(associated));
	ciphers->use_key(cipher, vector->algorithm, key);
	memcpy(bytes, clear, size);
	ciphers->seal(cipher, &about, bytes, size, tag);
	assert_memory_equal(bytes, sealed, size);
	assert_memory_equal(tag, expected, sizeof(tag));
	assert_true(ciphers->open(cipher, &about, bytes, size, tag));
	assert_memory_equal(bytes, clear, size);
	ciphers->free(cipher);
}

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < LIBRARIES; i++)
		for (size_t j = 0; j < VECTORS; j++)
			if (runs_here(vectors[j].algorithm))
				check_vector(all[i], &vectors[j]);
}

/* --- what one seals the other one opens, and nothing else --- */

struct pair {
	const struct ciphers *from, *to;
	void *sealer, *opener;
	struct ciphers_about about;
	uint8_t associated[56];
	uint8_t *clear, *bytes;
};

static bool opens(struct pair *pair, const uint8_t *sealed, size_t size, const uint8_t *tag)
{
	memcpy(pair->bytes, sealed, size);
	return pair->to->open(pair->opener, &pair->about, pair->bytes, size, tag);
}

static void check_flips(struct pair *pair, uint8_t *sealed, size_t size, uint8_t *tag)
{
	struct {
		uint8_t *bytes;
		size_t size;
	} const parts[] = {
		{ sealed, size },
		{ tag, CIPHERS_TAG },
		{ pair->associated, sizeof(pair->associated) },
		{ pair->about.nonce, 12 },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint8_t *byte =
			parts[i].bytes + (parts[i].size ? (size_t)rand() % parts[i].size : 0);
		uint8_t bit = 1 << rand() % 8;

		if (!parts[i].size)
			continue;
		*byte ^= bit;
		assert_false(opens(pair, sealed, size, tag));
		*byte ^= bit;
	}
	assert_true(opens(pair, sealed, size, tag));
	assert_memory_equal(pair->bytes, pair->clear, size);
}

static void check_pair(struct pair *pair, uint32_t algorithm)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 63, 64, 65, 4095, 4096, 4097, BYTES };
	uint8_t key[CIPHERS_KEY], tag[CIPHERS_TAG];
	uint8_t *sealed = malloc(BYTES);

	assert_non_null(sealed);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i];

		randombytes_buf(key, sizeof(key));
		randombytes_buf(pair->about.nonce, sizeof(pair->about.nonce));
		randombytes_buf(pair->associated, sizeof(pair->associated));
		randombytes_buf(pair->clear, size);
		pair->from->use_key(pair->sealer, algorithm, key);
		pair->to->use_key(pair->opener, algorithm, key);
		memcpy(sealed, pair->clear, size);
		pair->from->seal(pair->sealer, &pair->about, sealed, size, tag);
		assert_true(!size || size < 15 || memcmp(sealed, pair->clear, size));
		check_flips(pair, sealed, size, tag);
	}
	free(sealed);
}

static void test_each_opens_the_other(void **state)
{
	struct pair pair = { .clear = malloc(BYTES), .bytes = malloc(BYTES) };

	(void)state;
	pair.about.associated = pair.associated;
	pair.about.size = sizeof(pair.associated);
	for (size_t i = 0; i < LIBRARIES * LIBRARIES; i++) {
		pair.from = all[i / LIBRARIES];
		pair.to = all[i % LIBRARIES];
		pair.sealer = create(pair.from);
		pair.opener = create(pair.to);
		for (size_t j = 0; j < VECTORS; j++)
			if (runs_here(vectors[j].algorithm))
				check_pair(&pair, vectors[j].algorithm);
		pair.from->free(pair.sealer);
		pair.to->free(pair.opener);
	}
	free(pair.clear);
	free(pair.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_each_opens_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
