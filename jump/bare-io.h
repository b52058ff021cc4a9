/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the payload does beside reading and writing memory. The unit test of jump/bare-restore.c has
 * its own functions of these names, so that the same code runs on an ordinary process.
 */
#ifndef JUMP_BARE_IO_H
#define JUMP_BARE_IO_H

#include <stdint.h>

/* Text mode's memory: 80 columns, a byte of character and a byte of colour each. */
#define VGA_TEXT 0xb8000ULL

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline __attribute__((noreturn)) void stop(void)
{
	for (;;)
		__asm__ volatile("hlt");
}

#endif
