/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What runs between kernels C and A, in an ordinary process: its frames are pages mapped where
 * their number says, its ports and its screen are the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* In the place of jump/bare-io.h. */
#define JUMP_BARE_IO_H

#define FRAMES	 256
#define FIRST	 0x20000 /* PFN: 512 MiB, where a process has nothing */
#define VGA_TEXT ((uintptr_t)(FIRST + FRAMES - 1) << 12)

static struct {
	char serial[1024];
	size_t length;
	uint16_t serial_port;
	uint8_t reset; /* last value of the reset control register */
	uint64_t ticks, step;
	uint64_t apic_base, arch_capabilities, xapic_status;
	unsigned apic_writes;
	jmp_buf stopped;
} machine;

static void out8(uint16_t port, uint8_t value)
{
	if (port == machine.serial_port && machine.length + 1 < sizeof(machine.serial))
		machine.serial[machine.length++] = (char)value;
	if (port == 0xcf9)
		machine.reset = value;
	if (port != machine.serial_port && port != 0xcf9 && port != 0x64)
		fail_msg("port %#x", port);
}

static uint8_t in8(uint16_t port)
{
	assert_int_equal(port, machine.serial_port + 5);
	return 0x20;
}

static uint64_t ticks(void)
{
	return machine.ticks += machine.step;
}

static uint64_t read_msr(uint32_t msr)
{
	switch (msr) {
	case 0x1b:
		return machine.apic_base;
	case 0x10a:
		assert_true(machine.arch_capabilities); /* a fault otherwise */
		return machine.arch_capabilities;
	case 0xbd:
		assert_true(machine.arch_capabilities & 1 << 21);
		return machine.xapic_status;
	default:
		fail_msg("MSR %#x", msr);
	}
	return 0;
}

/* Bit 10 is x2APIC mode, bit 11 the APIC's being on. */
static void write_msr(uint32_t msr, uint64_t value)
{
	static const bool allowed[4][4] = {
		/* to off, (none),	xAPIC, x2APIC; from */
		{ true, false, true, false }, /* off */
		{ false, false, false, false },
		{ true, false, true, true },  /* xAPIC */
		{ true, false, false, true }, /* x2APIC */
	};

	assert_int_equal(msr, 0x1b);
	assert_true(allowed[machine.apic_base >> 10 & 3][value >> 10 & 3]);
	machine.apic_base = value;
	machine.apic_writes++;
}

static uint32_t cpuid_7_edx(void)
{
	return machine.arch_capabilities ? 1 << 29 : 0;
}

static __attribute__((noreturn)) void stop(void)
{
	longjmp(machine.stopped, 1);
}

#include "jump/bare-restore.c"

#define STRUCT	(FIRST + 0)
#define LISTS	(FIRST + 8)
#define MAILBOX (FIRST + 100) /* all of it is below STAGED */
#define HOME	(FIRST + 10)

static const uint8_t nonce[16] = "nonce of A";

/* A page whose content follows from its number. */
static void fill_page(uint64_t pfn, unsigned content)
{
	for (unsigned i = 0; i < FRAME_SIZE / 4; i++)
		((uint32_t *)frame(pfn))[i] = content * 7919 + i * 104729;
}

static bool has_content(uint64_t pfn, unsigned content)
{
	for (unsigned i = 0; i < FRAME_SIZE / 4; i++)
		if (((uint32_t *)frame(pfn))[i] != content * 7919 + i * 104729)
			return false;
	return true;
}

static void set_hash(struct payload *payload)
{
	payload->hash = 0;
	payload->hash = bytes_hash(payload, sizeof(*payload));
}

/*
 * Chunk 0: pages 1 and 2 in place in frames 20 and 21, page 3 staged in 40 for 22. Chunk 1: pages 4
 * and 5 staged in 41 and 42 for 30 and 31. Frames 40 to 43 are to be zero afterwards.
 */
static struct payload *make(void)
{
	static const struct payload_run runs[] = {
		{ FIRST + 20, FIRST + 20, 2 },
		{ FIRST + 40, FIRST + 22, 1 },
		{ FIRST + 41, FIRST + 30, 2 },
	};
	static const struct payload_clear clears[] = { { FIRST + 40, 4, 0 },
						       { FIRST + 50, 1, 0xaa } };
	struct payload *payload = frame(STRUCT);
	struct payload_chunk *chunks = frame(LISTS);
	struct mailbox *mailbox = frame(MAILBOX);
	uint64_t hash;

	memset(frame(FIRST), 0x5a, FRAMES * FRAME_SIZE);
	memset(&machine, 0, sizeof(machine));
	machine.serial_port = 0x3f8;
	machine.step = 1000;
	for (unsigned i = 0; i < 2; i++)
		fill_page(FIRST + 20 + i, 1 + i);
	for (unsigned i = 0; i < 3; i++)
		fill_page(FIRST + 40 + i, 3 + i);
	hash = page_hash(0, frame(FIRST + 20), 2);
	chunks[0] = (struct payload_chunk){ page_hash(hash, frame(FIRST + 40), 1), 2 };
	chunks[1] = (struct payload_chunk){ page_hash(0, frame(FIRST + 41), 2), 1 };
	memcpy(chunks + 2, runs, sizeof(runs));
	memcpy((char *)(chunks + 2) + sizeof(runs), clears, sizeof(clears));

	memset(payload, 0, sizeof(*payload));
	memcpy(payload->magic, PAYLOAD_MAGIC, 8);
	payload->version = ABI_VERSION;
	payload->serial = 0x3f8;
	payload->chunk_count = 2;
	payload->run_count = 3;
	payload->clear_count = 2;
	payload->chunks = (uintptr_t)chunks;
	payload->runs = (uintptr_t)(chunks + 2);
	payload->clears = payload->runs + sizeof(runs);
	payload->lists_hash =
		bytes_hash(chunks, 2 * sizeof(*chunks) + sizeof(runs) + sizeof(clears));
	payload->mailbox = (uintptr_t)mailbox;
	memcpy(payload->nonce, nonce, 16);
	payload->sequence = 9;
	payload->pause = 5000;
	payload->outcome.result = RESULT_RESTORED;
	set_hash(payload);

	memcpy(mailbox->magic, MAILBOX_MAGIC, 8);
	memcpy(mailbox->nonce, nonce, 16);
	mailbox->version = ABI_VERSION;
	mailbox->sequence = 9;
	mailbox->answered = 8;
	return payload;
}

/* False when the payload gave up. */
static bool run(struct payload *payload)
{
	if (setjmp(machine.stopped))
		return false;
	payload_restore(payload);
	return true;
}

static void restores(void **state)
{
	const struct mailbox *mailbox = frame(MAILBOX);

	(void)state;
	assert_true(run(make()));
	for (unsigned i = 0; i < 3; i++)
		assert_true(has_content(FIRST + 20 + i, 1 + i));
	assert_true(has_content(FIRST + 30, 4));
	assert_true(has_content(FIRST + 31, 5));
	for (unsigned i = 0; i < 4 * FRAME_SIZE; i++)
		assert_int_equal(((uint8_t *)frame(FIRST + 40))[i], 0);
	for (unsigned i = 0; i < FRAME_SIZE; i++)
		assert_int_equal(((uint8_t *)frame(FIRST + 50))[i], 0xaa);
	assert_int_equal(((uint8_t *)frame(FIRST + 51))[0], 0x5a);
	assert_int_equal(mailbox->answered, 9);
	assert_int_equal(mailbox->outcome.result, RESULT_RESTORED);
	assert_int_equal(machine.length, 0);
	assert_int_equal(machine.reset, 0);
}

/* A screen's row as text. */
static const char *row(unsigned number)
{
	static char text[81];
	const uint16_t *cells = (uint16_t *)VGA_TEXT + number * 80;

	for (int i = 0; i < 80; i++) {
		assert_int_equal(cells[i] >> 8, 0x4f);
		text[i] = (char)cells[i];
	}
	for (int i = 79; i >= 0 && text[i] == ' '; i--)
		text[i] = '\0';
	return text;
}

/* Gives up for the reason, says so on both consoles, and has touched nothing of A. */
static void gives_up(struct payload *payload, const char *why)
{
	static uint8_t before[100 * FRAME_SIZE];

	memcpy(before, frame(FIRST + 10), sizeof(before));
	assert_false(run(payload));
	assert_memory_equal(before, frame(FIRST + 10), sizeof(before));
	assert_int_equal(((struct mailbox *)frame(MAILBOX))->answered, 8);
	assert_int_equal(machine.reset, 6);
	assert_string_equal(row(0), "");
	assert_string_equal(row(2), why);
	assert_string_equal(row(4), "boot with rd.kjump.again to try it once more");
	assert_string_equal(row(24), "");
	if (!machine.length)
		return;
	assert_non_null(strstr(machine.serial, why));
	assert_non_null(strstr(machine.serial, "the image is kept"));
	assert_non_null(strstr(machine.serial, "rd.kjump.again"));
}

static void mismatches(void **state)
{
	struct payload *payload = make();

	(void)state;
	((uint8_t *)frame(FIRST + 42))[4095] ^= 1;
	gives_up(payload, "checksum mismatch in a page");
	assert_true(machine.length > 0);
	assert_in_range(machine.ticks, 5000, 8000);

	payload = make();
	((struct payload_run *)payload->runs)[1].target++;
	gives_up(payload, "checksum mismatch in the page lists");
	assert_true(machine.length > 0);

	payload = make();
	payload->magic[7] ^= 1;
	gives_up(payload, "bad magic of the payload");
}

/* No field of the struct is believed before all of it was found right. */
static void damaged_struct(void **state)
{
	(void)state;
	for (size_t at = 8; at < sizeof(struct payload); at += 1 + at / 64) {
		struct payload *payload = make();

		((uint8_t *)payload)[at] ^= 0x80;
		gives_up(payload, "checksum mismatch in the payload");
	}
	/* A serial port that is none, a pause of centuries. */
	struct payload *payload = make();

	payload->serial = 0x378;
	payload->pause = UINT64_MAX;
	machine.step = 1ULL << 30;
	gives_up(payload, "checksum mismatch in the payload");
	assert_int_equal(machine.length, 0);
	assert_in_range(machine.ticks, PAUSE_MAX, PAUSE_MAX + 3 * machine.step);
}

/* Only the mailbox of this request, as this version lays it out, is written to. */
static void other_mailboxes(void **state)
{
	struct mailbox *mailbox = frame(MAILBOX);

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct payload *payload = make();

		switch (i) {
		case 0:
			mailbox->magic[7] ^= 1;
			break;
		case 1:
			mailbox->nonce[15] ^= 1;
			break;
		case 2:
			mailbox->sequence++;
			break;
		case 3:
			mailbox->version++;
			break;
		default:
			payload->mailbox = 0;
			set_hash(payload);
		}
		assert_true(run(payload));
		assert_true(has_content(FIRST + 31, 5));
		assert_int_equal(mailbox->answered, 8);
		assert_int_equal(mailbox->outcome.result, 0x5a5a5a5a);
	}
}

/* A in xAPIC mode gets it, where C has left it; x2APIC mode it enters by itself. */
static void apic_modes(void **state)
{
	const uint64_t xapic = 0xfee00900, x2apic = 0xfee00d00;
	struct payload *payload;

	(void)state;
	for (int capable = 0; capable < 3; capable++) {
		payload = make();
		machine.arch_capabilities = capable == 2 ? 1 << 21 : capable;
		machine.apic_base = x2apic;
		assert_true(run(payload));
		assert_int_equal(machine.apic_base, xapic);
		assert_true(has_content(FIRST + 31, 5));
	}
	payload = make();
	machine.apic_base = xapic;
	assert_true(run(payload));
	assert_int_equal(machine.apic_writes, 0);

	for (int i = 0; i < 2; i++) {
		payload = make();
		payload->features = CPU_FEATURE_X2APIC;
		set_hash(payload);
		machine.apic_base = i ? x2apic : xapic;
		assert_true(run(payload));
		assert_int_equal(machine.apic_writes, 0);
	}

	payload = make();
	machine.apic_base = x2apic;
	machine.arch_capabilities = 1 << 21;
	machine.xapic_status = 1;
	gives_up(payload, "it needs the xAPIC mode, which this machine's firmware forbids");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restores),	  cmocka_unit_test(mismatches),
		cmocka_unit_test(damaged_struct), cmocka_unit_test(other_mailboxes),
		cmocka_unit_test(apic_modes),
	};
	void *wanted = (void *)((uintptr_t)FIRST << FRAME_SHIFT);

	if (mmap(wanted, FRAMES * FRAME_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != wanted)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
