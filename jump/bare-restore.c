/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The payload's work between kernels C and A: check every page, then copy, then clear, then tell
 * A through its mailbox. Freestanding: no libc, no interrupts, identity mapped.
 */
#include <stdbool.h>

#include "common/abi.h"
#include "common/pagehash.h"
#include "jump/bare-crew.h"
#include "jump/bare-io.h"

/* Intel SDM volume 4. */
#define MSR_APIC_BASE		0x1b
#define MSR_XAPIC_STATUS	0xbd
#define MSR_ARCH_CAPABILITIES	0x10a
#define APIC_X2			(1 << 10)
#define APIC_ENABLED		(1 << 11)
#define XAPIC_DISABLED		1
#define XAPIC_CAN_BE_DISABLED	(1 << 21)
#define CPUID_ARCH_CAPABILITIES (1 << 29)

#define PAUSE_MAX (1ULL << 37) /* ticks: less than a minute */

void payload_restore(struct payload *payload);

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

/* --- messages --- */

#define VGA_COLUMNS 80
#define VGA_ROWS    25
#define VGA_COLOUR  0x4f00 /* white on red */

#define UART_STATUS 5
#define UART_EMPTY  0x20

/* The four ports that a PC may have. What names another one is not what kernel C wrote. */
static bool is_uart(uint32_t port)
{
	return port == 0x3f8 || port == 0x2f8 || port == 0x3e8 || port == 0x2e8;
}

/* 8250 UART: wait for an empty transmitter, but not for ever. */
static void put_serial(uint32_t port, const char *text)
{
	for (; is_uart(port) && *text; text++) {
		for (unsigned i = 0; i < 100000 && !(in8(port + UART_STATUS) & UART_EMPTY); i++)
			;
		out8(port, *text);
	}
}

/*
 * One line of the screen, the rest of it blank. A screen that is no VGA in text mode does not show
 * it, nor does it mind.
 */
static void put_screen(unsigned row, const char *text)
{
	volatile uint16_t *cell = (uint16_t *)VGA_TEXT + row * VGA_COLUMNS;

	for (unsigned i = 0; i < VGA_COLUMNS; i++)
		cell[i] = VGA_COLOUR | (uint8_t)(*text ? *text++ : ' ');
}

static void put_line(const struct payload *payload, unsigned row, const char *text)
{
	put_serial(payload->serial, text);
	put_serial(payload->serial, "\r\n");
	put_screen(row, text);
}

/* For somebody to read it. */
static void wait(uint64_t count)
{
	uint64_t start = ticks();

	while (ticks() - start < count)
		;
}

/* Nothing of A was touched yet: say why and reset; the image stays as it is, marked handed over. */
static __attribute__((noreturn)) void give_up(const struct payload *payload, const char *why)
{
	put_serial(payload->serial, "\r\n");
	for (unsigned row = 0; row < VGA_ROWS; row++)
		put_screen(row, "");
	put_line(payload, 1, "kjump: the saved system could not be put back:");
	put_line(payload, 2, why);
	put_line(payload, 3, "nothing was restored, and the image is kept; resetting");
	put_line(payload, 4, "boot with rd.kjump.again to try it once more");
	wait(payload->pause < PAUSE_MAX ? payload->pause : PAUSE_MAX);
	out8(0xcf9, 0x02); /* reset control register: system reset ... */
	out8(0xcf9, 0x06); /* ... now */
	out8(0x64, 0xfe);  /* keyboard controller, for machines without it */
	stop();
}

/* --- work --- */

static void *frame(uint64_t pfn)
{
	return (void *)(pfn << FRAME_SHIFT);
}

/* Has the struct come over as it was? Its hash is of the struct without the hash. */
static void check_self(struct payload *payload)
{
	uint64_t hash = payload->hash;

	for (size_t i = 0; i < sizeof(payload->magic); i++) {
		if (payload->magic[i] != PAYLOAD_MAGIC[i])
			give_up(payload, "bad magic of the payload");
	}
	payload->hash = 0;
	if (bytes_hash(payload, sizeof(*payload)) != hash)
		give_up(payload, "checksum mismatch in the payload");
	payload->hash = hash;
}

static void check_lists(const struct payload *payload)
{
	size_t size = payload->chunk_count * sizeof(struct payload_chunk) +
		      payload->run_count * sizeof(struct payload_run) +
		      payload->clear_count * sizeof(struct payload_clear);

	if (bytes_hash((void *)payload->chunks, size) != payload->lists_hash)
		give_up(payload, "checksum mismatch in the page lists");
}

static const struct payload_chunk *chunk_of(const struct payload *payload, uint64_t number)
{
	return (const struct payload_chunk *)payload->chunks + number;
}

static const struct payload_run *runs_of(const struct payload *payload,
					 const struct payload_chunk *chunk)
{
	return (const struct payload_run *)payload->runs + chunk->first_run;
}

static void check_chunk(const struct payload *payload, uint64_t number)
{
	const struct payload_chunk *chunk = chunk_of(payload, number);
	const struct payload_run *run = runs_of(payload, chunk);
	uint64_t hash = 0;

	for (uint64_t i = 0; i < chunk->run_count; i++, run++)
		hash = page_hash(hash, frame(run->source), run->count);
	if (hash != chunk->hash)
		crew_fail(payload);
}

/*
 * Every page, in place or staged, before the first one is overwritten: a page that the kernel
 * moved after the last look at the page map would otherwise be wrong in silence.
 */
static void check_pages(const struct payload *payload)
{
	crew_do(payload, CREW_CHECK, check_chunk, payload->chunk_count);
	if (crew_failed(payload))
		give_up(payload, "checksum mismatch in a page");
}

/*
 * Only recent kernels that run in xAPIC mode leave the other one by themselves when they go on
 * (lapic_resume()); the others would lose their interrupts.
 */
static bool has_to_leave_x2apic(const struct payload *payload)
{
	return !(payload->features & CPU_FEATURE_X2APIC) && (read_msr(MSR_APIC_BASE) & APIC_X2);
}

static void check_apic(const struct payload *payload)
{
	if (has_to_leave_x2apic(payload) && (cpuid_7_edx() & CPUID_ARCH_CAPABILITIES) &&
	    (read_msr(MSR_ARCH_CAPABILITIES) & XAPIC_CAN_BE_DISABLED) &&
	    (read_msr(MSR_XAPIC_STATUS) & XAPIC_DISABLED))
		give_up(payload, "it needs the xAPIC mode, which this machine's firmware forbids");
}

/* The way leads through the APIC's being off (Intel SDM volume 3, 11.12.1). */
static void leave_x2apic(const struct payload *payload)
{
	uint64_t base = read_msr(MSR_APIC_BASE);

	if (!has_to_leave_x2apic(payload))
		return;
	base &= ~(uint64_t)(APIC_X2 | APIC_ENABLED);
	write_msr(MSR_APIC_BASE, base);
	write_msr(MSR_APIC_BASE, base | APIC_ENABLED);
}

/* Sources are never targets, so neither the order matters, nor whether it is done twice. */
static void copy_chunk(const struct payload *payload, uint64_t number)
{
	const struct payload_chunk *chunk = chunk_of(payload, number);
	const struct payload_run *run = runs_of(payload, chunk);

	for (uint64_t i = 0; i < chunk->run_count; i++, run++) {
		if (run->source != run->target)
			copy(frame(run->target), frame(run->source), run->count << FRAME_SHIFT);
	}
}

static void copy_pages(const struct payload *payload)
{
	crew_do(payload, CREW_COPY, copy_chunk, payload->chunk_count);
}

/* All frames that are to be cleared, one after the other, are cleared in pieces of so many. */
#define CLEAR_PAGES 512

static uint64_t clear_total(const struct payload *payload)
{
	const struct payload_clear *last =
		(const struct payload_clear *)payload->clears + payload->clear_count - 1;

	return payload->clear_count ? last->before + last->count : 0;
}

/* The entry that has the page, which is one of the list's. */
static const struct payload_clear *find_clear(const struct payload *payload, uint64_t page)
{
	const struct payload_clear *clears = (void *)payload->clears;
	uint64_t low = 0, high = payload->clear_count;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (clears[middle].before <= page)
			low = middle;
		else
			high = middle;
	}
	return clears + low;
}

static void clear_piece(const struct payload *payload, uint64_t number)
{
	uint64_t page = number * CLEAR_PAGES, end = page + CLEAR_PAGES,
		 total = clear_total(payload);
	const struct payload_clear *clear = find_clear(payload, page);

	if (end > total)
		end = total;
	for (; page < end; clear++) {
		uint64_t from = page - clear->before, to = end - clear->before;

		if (to > clear->count)
			to = clear->count;
		fill(frame(clear->pfn + from), clear->byte, (to - from) << FRAME_SHIFT);
		page += to - from;
	}
}

/* After copying, because staged pages may lie in frames that are to be cleared. */
static void clear_pages(const struct payload *payload)
{
	uint64_t pieces = (clear_total(payload) + CLEAR_PAGES - 1) / CLEAR_PAGES;

	crew_do(payload, CREW_CLEAR, clear_piece, pieces);
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
	/* Of another version: its outcome lies elsewhere. */
	if (mailbox->version != ABI_VERSION || mailbox->sequence != payload->sequence)
		return;
	copy(&mailbox->outcome, &payload->outcome, sizeof(mailbox->outcome));
	mailbox->answered = payload->sequence;
}

static void stamp(struct payload *payload, enum stamp number)
{
	payload->outcome.stamps[number] = ticks();
}

void payload_restore(struct payload *payload)
{
	check_self(payload);
	stamp(payload, STAMP_PAYLOAD);
	check_lists(payload);
	check_apic(payload);
	crew_wake(payload);
	check_pages(payload);
	stamp(payload, STAMP_CHECKED);
	copy_pages(payload);
	stamp(payload, STAMP_COPIED);
	clear_pages(payload);
	stamp(payload, STAMP_CLEARED);
	payload->outcome.cpus = 1 + crew_dismiss(payload);
	stamp(payload, STAMP_ALONE);
	leave_x2apic(payload);
	answer(payload);
}
