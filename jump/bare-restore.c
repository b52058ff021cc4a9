/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The payload's work between kernels C and A: check every page, then copy, then clear, then tell
 * A through its mailbox. Freestanding: no libc, no interrupts, identity mapped.
 */
#include "common/abi.h"
#include "common/pagehash.h"

void payload_restore(struct payload *payload);

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

/* Sizes are multiples of 8: everything here is pages, or structs of 64-bit fields. */
static void copy(void *target, const void *source, size_t size)
{
	size_t words = size / sizeof(uint64_t);

	__asm__ volatile("rep movsq" : "+D"(target), "+S"(source), "+c"(words) : : "memory");
}

static void fill(void *target, uint8_t byte, size_t size)
{
	uint64_t word = byte * 0x0101010101010101ULL;
	size_t words = size / sizeof(uint64_t);

	__asm__ volatile("rep stosq" : "+D"(target), "+c"(words) : "a"(word) : "memory");
}

/* 8250 UART: wait for an empty transmitter, but not for ever. */
static void put(uint32_t port, const char *text)
{
	for (; port && *text; text++) {
		for (unsigned i = 0; i < 100000 && !(in8(port + 5) & 0x20); i++)
			;
		out8(port, *text);
	}
}

/* Nothing of A was touched yet: say why and reset; the image stays as it is, marked handed over. */
static __attribute__((noreturn)) void give_up(const struct payload *payload, const char *why)
{
	put(payload->serial, "\r\nkjump payload: ");
	put(payload->serial, why);
	put(payload->serial, "; nothing was restored, the image is kept; resetting\r\n");
	out8(0xcf9, 0x02); /* reset control register: system reset ... */
	out8(0xcf9, 0x06); /* ... now */
	out8(0x64, 0xfe);  /* keyboard controller, for machines without it */
	for (;;)
		__asm__ volatile("hlt");
}

static void *frame(uint64_t pfn)
{
	return (void *)(pfn << FRAME_SHIFT);
}

static void check_lists(const struct payload *payload)
{
	size_t size = payload->chunk_count * sizeof(struct payload_chunk) +
		      payload->run_count * sizeof(struct payload_run) +
		      payload->clear_count * sizeof(struct payload_clear);

	for (size_t i = 0; i < sizeof(payload->magic); i++) {
		if (payload->magic[i] != PAYLOAD_MAGIC[i])
			give_up(payload, "bad magic");
	}
	if (bytes_hash((void *)payload->chunks, size) != payload->lists_hash)
		give_up(payload, "checksum mismatch in the page lists");
}

/*
 * Every page, in place or staged, before the first one is overwritten: a page that the kernel
 * moved after the last look at the page map would otherwise be wrong in silence.
 */
static void check_pages(const struct payload *payload)
{
	const struct payload_chunk *chunk = (void *)payload->chunks;
	const struct payload_run *run = (void *)payload->runs;

	for (uint64_t i = 0; i < payload->chunk_count; i++, chunk++) {
		uint64_t hash = 0;

		for (uint64_t k = 0; k < chunk->run_count; k++, run++)
			hash = page_hash(hash, frame(run->source), run->count);
		if (hash != chunk->hash)
			give_up(payload, "checksum mismatch in a page");
	}
}

/* Sources are never targets, so the order does not matter. */
static void copy_pages(const struct payload *payload)
{
	const struct payload_run *run = (void *)payload->runs;

	for (uint64_t i = 0; i < payload->run_count; i++, run++) {
		if (run->source != run->target)
			copy(frame(run->target), frame(run->source), run->count << FRAME_SHIFT);
	}
}

/* After copying, because staged pages may lie in frames that are to be cleared. */
static void clear_pages(const struct payload *payload)
{
	const struct payload_clear *clear = (void *)payload->clears;

	for (uint64_t i = 0; i < payload->clear_count; i++, clear++)
		fill(frame(clear->pfn), clear->byte, clear->count << FRAME_SHIFT);
}

_Static_assert(sizeof(struct outcome) % sizeof(uint64_t) == 0, "copied in words");

/*
 * Only the mailbox of the saved request is written to; anything else there is A's memory. An image
 * that was made without kjump in A has none.
 */
static void answer(const struct payload *payload)
{
	struct mailbox *mailbox = (void *)payload->mailbox;

	if (!mailbox)
		return;
	for (size_t i = 0; i < sizeof(mailbox->magic); i++) {
		if (mailbox->magic[i] != MAILBOX_MAGIC[i])
			return;
	}
	for (size_t i = 0; i < sizeof(mailbox->nonce); i++) {
		if (mailbox->nonce[i] != payload->nonce[i])
			return;
	}
	if (mailbox->sequence != payload->sequence)
		return;
	copy(&mailbox->outcome, &payload->outcome, sizeof(mailbox->outcome));
	mailbox->answered = payload->sequence;
}

void payload_restore(struct payload *payload)
{
	check_lists(payload);
	check_pages(payload);
	copy_pages(payload);
	clear_pages(payload);
	answer(payload);
}
