/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CRC32C. The restore payload is built from this file too: no libc, no SSE, nothing writable.
 */
#include "common/crc32c.h"

#include <stdbool.h>

/* Below this size asking the CPU (which traps in a virtual machine) costs more than it saves. */
#define ASK_CPU_SIZE 4096

/*
 * tables[k][b] is the checksum state of byte b after k further zero bytes. The state is linear in
 * the bits of b, so that each table follows from its eight entries for single bits.
 */
/* clang-format off */
#define ENTRY(i, b0, b1, b2, b3, b4, b5, b6, b7)                                               \
	(((i) & 1 ? b0 : 0) ^ ((i) & 2 ? b1 : 0) ^ ((i) & 4 ? b2 : 0) ^ ((i) & 8 ? b3 : 0) ^   \
	 ((i) & 16 ? b4 : 0) ^ ((i) & 32 ? b5 : 0) ^ ((i) & 64 ? b6 : 0) ^ ((i) & 128 ? b7 : 0))
#define ENTRIES4(i, ...)                                                                       \
	ENTRY(i, __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__),                                    \
	ENTRY((i) + 2, __VA_ARGS__), ENTRY((i) + 3, __VA_ARGS__)
#define ENTRIES16(i, ...)                                                                      \
	ENTRIES4(i, __VA_ARGS__), ENTRIES4((i) + 4, __VA_ARGS__),                              \
	ENTRIES4((i) + 8, __VA_ARGS__), ENTRIES4((i) + 12, __VA_ARGS__)
#define ENTRIES64(i, ...)                                                                      \
	ENTRIES16(i, __VA_ARGS__), ENTRIES16((i) + 16, __VA_ARGS__),                           \
	ENTRIES16((i) + 32, __VA_ARGS__), ENTRIES16((i) + 48, __VA_ARGS__)
#define TABLE(...)                                                                             \
	ENTRIES64(0, __VA_ARGS__), ENTRIES64(64, __VA_ARGS__),                                 \
	ENTRIES64(128, __VA_ARGS__), ENTRIES64(192, __VA_ARGS__)

static const uint32_t tables[8][256] = {
	{ TABLE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf,
		0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78) },
	{ TABLE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8,
		0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9) },
	{ TABLE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5,
		0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743) },
	{ TABLE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6,
		0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f) },
	{ TABLE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91,
		0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c) },
	{ TABLE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f,
		0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6) },
	{ TABLE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53,
		0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4) },
	{ TABLE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da,
		0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664) },
};
/* clang-format on */

static uint64_t load64(const unsigned char *p)
{
	uint64_t word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
}

uint32_t crc32c_table(uint32_t crc, const void *bytes, size_t size)
{
	const unsigned char *p = bytes;

	crc = ~crc;
	for (; size >= 8; p += 8, size -= 8) {
		uint64_t word = load64(p) ^ crc;

		crc = 0;
		for (unsigned k = 0; k < 8; k++)
			crc ^= tables[7 - k][word >> (8 * k) & 0xff];
	}
	for (; size; p++, size--)
		crc = crc >> 8 ^ tables[0][(crc ^ *p) & 0xff];
	return ~crc;
}

static bool cpu_has_crc32(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ecx >> 20 & 1; /* SSE4.2; the instruction itself uses general registers */
}

static uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t size)
{
	const unsigned char *p = bytes;
	uint64_t state = ~crc;

	for (; size >= 8; p += 8, size -= 8)
		__asm__("crc32q %1, %0" : "+r"(state) : "r"(load64(p)));
	for (; size; p++, size--)
		__asm__("crc32b %1, %0" : "+r"(state) : "q"(*p));
	return ~(uint32_t)state;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
	if (size >= ASK_CPU_SIZE && cpu_has_crc32())
		return crc32c_instruction(crc, bytes, size);
	return crc32c_table(crc, bytes, size);
}
