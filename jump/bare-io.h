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

/* The local APIC's registers, where they are unless somebody has moved them. */
#define APIC_ADDRESS 0xfee00000ULL

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

static inline uint64_t read_msr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void write_msr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint32_t apic_read(uint32_t offset)
{
	return *(volatile uint32_t *)(APIC_ADDRESS + offset);
}

static inline void apic_write(uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(APIC_ADDRESS + offset) = value;
}

static inline uint64_t read_cr3(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static inline uint64_t read_cr4(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

/* All written before is seen by others before what follows: writes of MSRs wait for nothing. */
static inline void fence(void)
{
	__asm__ volatile("mfence; lfence" : : : "memory");
}

/* Once in a loop that waits for another CPU, or for time to pass. */
static inline void relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* What this CPU's own caches hold and memory does not. */
static inline void write_back_caches(void)
{
	__asm__ volatile("wbinvd" : : : "memory");
}

/* EDX of CPUID leaf 7; no 64-bit processor with an x2APIC is without that leaf. */
static inline uint32_t cpuid_7_edx(void)
{
	uint32_t a = 7, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}

static inline __attribute__((noreturn)) void stop(void)
{
	for (;;)
		__asm__ volatile("hlt");
}

#endif
