/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic and checks for numbers that come from outside: from a disk, a file or a user. */
#ifndef COMMON_SAFE_H
#define COMMON_SAFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *RET = a + b, or a * b; false when the result does not fit, *RET is worthless then. */
static inline bool safe_add(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

static inline bool safe_mul(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

/* Does [offset, offset + size) lie within [0, limit)? */
static inline bool safe_within(uint64_t offset, uint64_t size, uint64_t limit)
{
	return size <= limit && offset <= limit - size;
}

static inline uint64_t safe_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Smallest multiple of UNIT (a power of two) that is not below N; N must be below 2^64 - UNIT. */
static inline uint64_t safe_round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) & ~(unit - 1);
}

/* Are all SIZE bytes 0? */
static inline bool safe_is_zero(const void *bytes, size_t size)
{
	const unsigned char *p = bytes;

	for (; size >= sizeof(uint64_t); p += sizeof(uint64_t), size -= sizeof(uint64_t)) {
		uint64_t word;

		__builtin_memcpy(&word, p, sizeof(word));
		if (word)
			return false;
	}
	while (size--)
		if (*p++)
			return false;
	return true;
}

/* Is there a NUL within the SIZE bytes of TEXT, and nothing but NULs behind it? */
static inline bool safe_is_text(const char *text, size_t size)
{
	size_t length = 0;

	while (length < size && text[length])
		length++;
	return length < size && safe_is_zero(text + length, size - length);
}

#endif
