/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What runs between kernels C and A, in an ordinary process: its frames are pages mapped where
 * their number says, its ports and its screen are the test's, its other CPUs are threads.
 */
#ifndef TESTS_FAKE_PAYLOAD_H
#define TESTS_FAKE_PAYLOAD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* In the place of jump/bare-io.h. */
#define JUMP_BARE_IO_H

#define FRAMES	     256
#define FIRST	     0x20000 /* PFN: 512 MiB, where a process has nothing */
#define VGA_TEXT     ((uintptr_t)(FIRST + FRAMES - 1) << 12)
#define APIC_ADDRESS 0xfee00000ULL
#define LARGE	     (FIRST + 0x1000)
#define LARGE_FRAMES 1040
#define WAKE	     0x80 /* PFN of the frame that helpers start in */
#define SELF	     3	  /* APIC ID */
#define CPUS	     40

/* What becomes of a CPU that is told to start. */
enum helper {
	ABSENT, /* there is none with this APIC ID */
	HELPS,
	STALLS,	 /* takes a unit and does not do it */
	IN_VAIN, /* starts, and then stands still */
};

static struct cpu {
	enum helper kind;
	pthread_t thread;
	bool started;
	atomic_bool dead; /* put into INIT since */
} cpus[CPUS];

/* The CPU that this thread is; NULL on the boot CPU. */
static __thread struct cpu *this_cpu;

static struct {
	char serial[1024];
	size_t length;
	uint16_t serial_port;
	uint8_t reset; /* last value of the reset control register */
	_Atomic uint64_t ticks;
	uint64_t step;
	uint64_t apic_base, arch_capabilities, xapic_status;
	unsigned apic_writes;
	uint32_t icr_high;
	uint64_t cr3;
	unsigned calls, inits;
	_Atomic unsigned written_back;
	jmp_buf stopped;
} machine;

static inline void command(uint32_t id, uint32_t icr);

static inline void out8(uint16_t port, uint8_t value)
{
	if (port == machine.serial_port && machine.length + 1 < sizeof(machine.serial))
		machine.serial[machine.length++] = (char)value;
	if (port == 0xcf9)
		machine.reset = value;
	if (port != machine.serial_port && port != 0xcf9 && port != 0x64)
		fail_msg("port %#x", port);
}

static inline uint8_t in8(uint16_t port)
{
	assert_int_equal(port, machine.serial_port + 5);
	return 0x20;
}

static inline uint64_t ticks(void)
{
	return machine.ticks += machine.step;
}

static inline uint64_t read_msr(uint32_t msr)
{
	switch (msr) {
	case 0x1b:
		return machine.apic_base;
	case 0x802:
		assert_int_equal(machine.apic_base >> 10 & 3, 3);
		return SELF;
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
static inline void write_msr(uint32_t msr, uint64_t value)
{
	static const bool allowed[4][4] = {
		/* to off, (none),	xAPIC, x2APIC; from */
		{ true, false, true, false }, /* off */
		{ false, false, false, false },
		{ true, false, true, true },  /* xAPIC */
		{ true, false, false, true }, /* x2APIC */
	};

	if (msr == 0x830) {
		assert_int_equal(machine.apic_base >> 10 & 3, 3);
		command(value >> 32, (uint32_t)value);
		return;
	}
	assert_int_equal(msr, 0x1b);
	assert_true(allowed[machine.apic_base >> 10 & 3][value >> 10 & 3]);
	machine.apic_base = value;
	machine.apic_writes++;
}

static inline uint32_t cpuid_7_edx(void)
{
	return machine.arch_capabilities ? 1 << 29 : 0;
}

static __attribute__((noreturn)) void stop(void)
{
	longjmp(machine.stopped, 1);
}

static inline uint32_t apic_read(uint32_t offset)
{
	assert_int_equal(machine.apic_base >> 10 & 3, 2);
	return offset == 0x20 ? SELF << 24 : 0;
}

static inline void apic_write(uint32_t offset, uint32_t value)
{
	assert_int_equal(machine.apic_base >> 10 & 3, 2);
	if (offset == 0x310)
		machine.icr_high = value;
	else
		command(machine.icr_high >> 24, value);
}

static inline uint64_t read_cr3(void)
{
	return machine.cr3;
}

static inline uint64_t read_cr4(void)
{
	return 0x1620; /* five levels, and more */
}

static inline void fence(void)
{
}

/* INIT ends a helper here, which is where it is when it does nothing. */
static inline void relax(void)
{
	if (this_cpu && this_cpu->dead)
		pthread_exit(NULL);
	sched_yield();
}

static inline void write_back_caches(void)
{
	machine.written_back++;
}

__asm__(".pushsection .rodata\n"
	".globl wake_code, wake_code_end, helper_start\n"
	"wake_code: .ascii \"real mode\"\n"
	"wake_code_end:\n"
	"helper_start: .byte 0\n"
	".popsection");

#include "jump/bare-crew.c"
#include "jump/bare-restore.c"

#define STRUCT	(FIRST + 0)
#define LISTS	(FIRST + 8)
#define MAILBOX (FIRST + 100) /* all of it is below STAGED */
#define HOME	(FIRST + 10)

static const uint8_t nonce[16] = "nonce of A";

/* --- CPUs ----------------------------------------------------------------------------------- */

static inline struct crew *crew(void)
{
	return crew_of(frame(STRUCT));
}

/* As payload.S begins. */
static inline void *help(void *argument)
{
	uint64_t seat = __atomic_fetch_add(&crew()->joined, 1, __ATOMIC_SEQ_CST);

	this_cpu = argument;
	if (this_cpu->kind != IN_VAIN && seat < PAYLOAD_HELPERS)
		crew_help(frame(STRUCT), seat);
	return NULL;
}

static inline void init_all(void)
{
	for (struct cpu *cpu = cpus; cpu < cpus + CPUS; cpu++) {
		cpu->dead = true;
		if (cpu->started)
			assert_int_equal(pthread_join(cpu->thread, NULL), 0);
		cpu->started = false;
	}
}

/* Whoever has ended by itself stays where it is until INIT: it is not to be started again. */
static inline void command(uint32_t id, uint32_t icr)
{
	if (icr == 0xc4500) {
		machine.inits++;
		init_all();
		return;
	}
	assert_int_equal(icr, 0x600 | WAKE);
	assert_int_not_equal(id, SELF);
	machine.calls++;
	if (id >= CPUS || cpus[id].kind == ABSENT || cpus[id].started)
		return;
	assert_false(cpus[id].dead);
	assert_memory_equal(frame(WAKE), "real mode", 9);
	cpus[id].started = true;
	assert_int_equal(pthread_create(&cpus[id].thread, NULL, help, &cpus[id]), 0);
}

/* --- a machine ------------------------------------------------------------------------------ */

/* A page whose content follows from its number. */
static inline void fill_page(uint64_t pfn, unsigned content)
{
	for (unsigned i = 0; i < FRAME_SIZE / 4; i++)
		((uint32_t *)frame(pfn))[i] = content * 7919 + i * 104729;
}

static inline bool has_content(uint64_t pfn, unsigned content)
{
	for (unsigned i = 0; i < FRAME_SIZE / 4; i++)
		if (((uint32_t *)frame(pfn))[i] != content * 7919 + i * 104729)
			return false;
	return true;
}

static inline void set_hash(struct payload *payload)
{
	payload->hash = 0;
	payload->hash = bytes_hash(payload, sizeof(*payload));
}

/*
 * Chunk 0: pages 1 and 2 in place in frames 20 and 21, page 3 staged in 40 for 22. Chunk 1: pages 4
 * and 5 staged in 41 and 42 for 30 and 31. Frames 40 to 43 are to be zero afterwards.
 */
static inline struct payload *make(void)
{
	static const struct payload_run runs[] = {
		{ FIRST + 20, FIRST + 20, 2 },
		{ FIRST + 40, FIRST + 22, 1 },
		{ FIRST + 41, FIRST + 30, 2 },
	};
	static const struct payload_clear clears[] = { { FIRST + 40, 4, 0, 0 },
						       { FIRST + 50, 1, 4, 0xaa } };
	struct payload *payload = frame(STRUCT);
	struct payload_chunk *chunks = frame(LISTS);
	struct mailbox *mailbox = frame(MAILBOX);
	uint64_t hash;

	memset(frame(FIRST), 0x5a, FRAMES * FRAME_SIZE);
	memset(&machine, 0, sizeof(machine));
	memset(cpus, 0, sizeof(cpus));
	memset(crew(), 0, sizeof(*crew()));
	memset(frame(WAKE), 0, FRAME_SIZE);
	machine.cr3 = (FIRST << FRAME_SHIFT) + PAYLOAD_TABLES;
	machine.serial_port = 0x3f8;
	machine.step = 1000;
	for (unsigned i = 0; i < 2; i++)
		fill_page(FIRST + 20 + i, 1 + i);
	for (unsigned i = 0; i < 3; i++)
		fill_page(FIRST + 40 + i, 3 + i);
	hash = page_hash(0, frame(FIRST + 20), 2);
	chunks[0] = (struct payload_chunk){ page_hash(hash, frame(FIRST + 40), 1), 0, 2 };
	chunks[1] = (struct payload_chunk){ page_hash(0, frame(FIRST + 41), 2), 2, 1 };
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
static inline bool run(struct payload *payload)
{
	if (setjmp(machine.stopped))
		return false;
	payload_restore(payload);
	return true;
}

/* A screen's row as text. */
static inline const char *row(unsigned number)
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
static inline void gives_up(struct payload *payload, const char *why)
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

static inline bool map(uint64_t pfn, size_t count)
{
	void *wanted = frame(pfn);

	return mmap(wanted, count * FRAME_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == wanted;
}

/* Before all tests. */
static inline bool map_all(void)
{
	return map(FIRST, FRAMES) && map(WAKE, 1) && map(LARGE, LARGE_FRAMES);
}

#endif
