/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "seal/start.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <sys/random.h>

/* What libsodium itself draws is for canaries in its allocator, and for no key. */
static void draw(void *const bytes, const size_t size)
{
	if (getrandom(bytes, size, GRND_NONBLOCK) != (ssize_t)size)
		(void)!getrandom(bytes, size, GRND_INSECURE);
}

static uint32_t draw_word(void)
{
	uint32_t word = 0;

	draw(&word, sizeof(word));
	return word;
}

static const char *name(void)
{
	return "getrandom";
}

int seal_start(struct error *err)
{
	/* Not const: libsodium 1.0.18 takes it as it is. */
	static randombytes_implementation implementation = {
		.implementation_name = name,
		.random = draw_word,
		.buf = draw,
	};

	randombytes_set_implementation(&implementation);
	if (sodium_init() < 0)
		return error_set(err, ENOSYS, "libsodium cannot be started");
	return 0;
}

int seal_random(void *bytes, size_t size, struct error *err)
{
	if (getrandom(bytes, size, 0) != (ssize_t)size)
		return error_errno(err, "random numbers");
	return 0;
}
