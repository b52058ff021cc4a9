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

static void command(uint32_t id, uint32_t icr);

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
static void write_msr(uint32_t msr, uint64_t value)
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

static uint32_t cpuid_7_edx(void)
{
	return machine.arch_capabilities ? 1 << 29 : 0;
}

static __attribute__((noreturn)) void stop(void)
{
	longjmp(machine.stopped, 1);
}

static uint32_t apic_read(uint32_t offset)
{
	assert_int_equal(machine.apic_base >> 10 & 3, 2);
	return offset == 0x20 ? SELF << 24 : 0;
}

static void apic_write(uint32_t offset, uint32_t value)
{
	assert_int_equal(machine.apic_base >> 10 & 3, 2);
	if (offset == 0x310)
		machine.icr_high = value;
	else
		command(machine.icr_high >> 24, value);
}

static uint64_t read_cr3(void)
{
	return machine.cr3;
}

static uint64_t read_cr4(void)
{
	return 0x1620; /* five levels, and more */
}

static void fence(void)
{
}

/* INIT ends a helper here, which is where it is when it does nothing. */
static void relax(void)
{
	if (this_cpu && this_cpu->dead)
		pthread_exit(NULL);
	sched_yield();
}

static void write_back_caches(void)
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

static struct crew *crew(void)
{
	return crew_of(frame(STRUCT));
}

/* As payload.S begins. */
static void *help(void *argument)
{
	uint64_t seat = __atomic_fetch_add(&crew()->joined, 1, __ATOMIC_SEQ_CST);

	this_cpu = argument;
	if (this_cpu->kind != IN_VAIN && seat < PAYLOAD_HELPERS)
		crew_help(frame(STRUCT), seat);
	return NULL;
}

static void init_all(void)
{
	for (struct cpu *cpu = cpus; cpu < cpus + CPUS; cpu++) {
		cpu->dead = true;
		if (cpu->started)
			assert_int_equal(pthread_join(cpu->thread, NULL), 0);
		cpu->started = false;
	}
}

/* Whoever has ended by itself stays where it is until INIT: it is not to be started again. */
static void command(uint32_t id, uint32_t icr)
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
	/* With what there is: nobody else was to be called, and no page was written to for it. */
	assert_int_equal(mailbox->outcome.cpus, 1);
	assert_int_equal(machine.inits, 0);
	assert_int_equal(*(uint64_t *)frame(WAKE), 0);
	for (int i = STAMP_PAYLOAD; i < STAMP_ALONE; i++)
		assert_in_range(mailbox->outcome.stamps[i + 1], mailbox->outcome.stamps[i] + 1,
				machine.ticks);
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

/* --- helpers -------------------------------------------------------------------------------- */

/* As many chunks of one page, staged behind the frames that they go to, and frames to be cleared.
 */
#define MANY   24
#define PLACES (FIRST + 130)
#define CLEAR  (FIRST + 60)

static struct payload *make_many(void)
{
	struct payload *payload = make();
	struct payload_chunk *chunks = frame(LISTS);
	struct payload_run *runs = (void *)(chunks + MANY);
	struct payload_clear *clears = (void *)(runs + MANY);

	for (unsigned i = 0; i < MANY; i++) {
		fill_page(PLACES + MANY + i, i);
		chunks[i] =
			(struct payload_chunk){ page_hash(0, frame(PLACES + MANY + i), 1), i, 1 };
		runs[i] = (struct payload_run){ PLACES + MANY + i, PLACES + i, 1 };
		clears[i] = (struct payload_clear){ CLEAR + i, 1, i, i % 2 ? 0xaa : 0 };
	}
	payload->chunk_count = payload->run_count = payload->clear_count = MANY;
	payload->runs = (uintptr_t)runs;
	payload->clears = (uintptr_t)clears;
	payload->lists_hash = bytes_hash(chunks, (char *)(clears + MANY) - (char *)chunks);
	payload->wake_pfn = WAKE;
	payload->ticks_ms = 1000000;
	payload->apic_count = 4;
	for (unsigned i = 0; i < 4; i++)
		payload->apic_ids[i] = i; /* SELF among them */
	machine.apic_base = 0xfee00900;
	/* What is waited for takes no time here; what is not there takes some. */
	machine.step = 20000;
	set_hash(payload);
	return payload;
}

static uint32_t outcome_cpus(void)
{
	return ((struct mailbox *)frame(MAILBOX))->outcome.cpus;
}

static void restores_many(struct payload *payload)
{
	assert_true(run(payload));
	for (unsigned i = 0; i < MANY; i++) {
		assert_true(has_content(PLACES + i, i));
		for (unsigned k = 0; k < FRAME_SIZE; k++)
			assert_int_equal(((uint8_t *)frame(CLEAR + i))[k], i % 2 ? 0xaa : 0);
	}
	assert_int_equal(((uint8_t *)frame(CLEAR + MANY))[0], 0x5a);
	assert_int_equal(((struct mailbox *)frame(MAILBOX))->answered, 9);
	/* Nobody runs any more where A's memory is. */
	for (unsigned i = 0; i < CPUS; i++)
		assert_false(cpus[i].started);
}

static void helpers_help(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		struct payload *payload = make_many();
		const struct wake_data *data = (void *)((char *)frame(WAKE) + WAKE_DATA);

		cpus[0].kind = cpus[1].kind = cpus[2].kind = HELPS;
		machine.step = 100; /* time for the host to run them */
		if (round % 2) {
			machine.apic_base |= 1 << 10;
			payload->features = CPU_FEATURE_X2APIC;
			set_hash(payload);
		}
		restores_many(payload);
		assert_int_equal(machine.calls, 6);
		assert_int_equal(machine.inits, 1);
		assert_int_equal(outcome_cpus(), 4);
		assert_int_equal(machine.written_back, 3);
		assert_int_equal(data->cr3, machine.cr3);
		assert_int_equal(data->cr4, 0x1020);
		assert_int_equal(data->gdt_base, WAKE * FRAME_SIZE + WAKE_GDT);
		assert_int_equal(data->jump32, WAKE * FRAME_SIZE + WAKE_CODE32);
		assert_int_equal(data->idt_limit, 0);
	}
}

/* The APIC is in the mode that reaches helpers until they have been dismissed. */
static void helpers_and_apic_mode(void **state)
{
	struct payload *payload = make_many();

	(void)state;
	machine.apic_base |= 1 << 10;
	cpus[0].kind = HELPS;
	machine.step = 100;
	restores_many(payload);
	assert_int_equal(machine.inits, 1);
	assert_int_equal(machine.apic_base, 0xfee00900);
}

/* Who does not come is waited for, but not for ever. */
static void absent_helpers(void **state)
{
	(void)state;
	for (unsigned there = 0; there < 3; there++) {
		struct payload *payload = make_many();

		for (unsigned i = 0; i < there; i++)
			cpus[i].kind = HELPS;
		machine.step = 5000;
		restores_many(payload);
		assert_int_equal(outcome_cpus(), 1 + there);
		assert_int_equal(machine.inits, 1);
		assert_in_range(machine.ticks, MS_TO_COME * 1000000, 2 * MS_TO_COME * 1000000ULL);
	}
}

/* One that comes and does nothing more. */
static void helper_in_vain(void **state)
{
	struct payload *payload = make_many();

	(void)state;
	cpus[0].kind = HELPS;
	cpus[1].kind = IN_VAIN;
	cpus[2].kind = HELPS;
	machine.step = 5000;
	restores_many(payload);
	assert_int_equal(outcome_cpus(), 3);
}

static atomic_uint stalled, done[MANY];

/* Helpers that stall are waited for, so that each of them has a unit that it does not do. */
static void work_or_stall(const struct payload *payload, uint64_t unit)
{
	(void)payload;
	if (this_cpu && this_cpu->kind == STALLS) {
		stalled++;
		pthread_exit(NULL);
	}
	while (!stalled)
		sched_yield();
	done[unit]++;
}

/* In whichever job a helper stands still, it is put into INIT, and its unit is done. */
static void stalled_helpers(void **state)
{
	(void)state;
	for (unsigned job = 0; job < CREW_JOBS; job++) {
		struct payload *payload = make_many();

		stalled = 0;
		memset(done, 0, sizeof(done));
		cpus[1].kind = STALLS;
		cpus[2].kind = HELPS;
		crew_wake(payload);
		crew_do(payload, job, work_or_stall, MANY);
		for (unsigned i = 0; i < MANY; i++)
			assert_in_range(done[i], 1, 2);
		assert_int_equal(stalled, 1);
		assert_int_equal(machine.inits, 1);
		/* It goes on alone, and has nobody to dismiss. */
		if (job + 1 < CREW_JOBS)
			crew_do(payload, job + 1, work_or_stall, MANY);
		assert_int_equal(crew_dismiss(payload), 0);
		assert_int_equal(machine.inits, 1);
	}
}

/* What a helper finds wrong ends it all, and no page was touched. */
static void helpers_mismatch(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		struct payload *payload = make_many();

		cpus[0].kind = cpus[1].kind = HELPS;
		machine.step = 100;
		((uint8_t *)frame(PLACES + MANY + i))[i * 100] ^= 1;
		gives_up(payload, "checksum mismatch in a page");
		for (unsigned k = 0; k < MANY; k++)
			assert_int_equal(((uint8_t *)frame(PLACES + k))[0], 0x5a);
		init_all();
	}
}

/* In doubt nobody is called. */
static void no_helpers(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct payload *payload = make_many();

		for (unsigned k = 0; k < CPUS; k++)
			cpus[k].kind = HELPS;
		switch (i) {
		case 0:
			payload->wake_pfn = 0;
			break;
		case 1:
			payload->wake_pfn = 0xa0;
			break;
		case 2:
			payload->ticks_ms = 0;
			break;
		case 3:
			payload->ticks_ms = 1ULL << 40;
			break;
		case 4:
			payload->apic_count = PAYLOAD_HELPERS + 2;
			break;
		case 5:
			machine.apic_base = 0; /* off */
			break;
		case 6:
			machine.apic_base = 0xfed00900; /* moved */
			break;
		default:
			machine.cr3 |= 1ULL << 32;
		}
		set_hash(payload);
		restores_many(payload);
		assert_int_equal(machine.calls, 0);
		assert_int_equal(machine.inits, 0);
		assert_int_equal(outcome_cpus(), 1);
	}
}

/* The broadcast IDs, and those beyond what the mode can call, are never called. */
static void impossible_ids(void **state)
{
	struct payload *payload = make_many();

	(void)state;
	payload->apic_ids[0] = 255;
	payload->apic_ids[1] = 0x100;
	payload->apic_ids[2] = UINT32_MAX;
	set_hash(payload);
	restores_many(payload);
	assert_int_equal(machine.calls, 0);

	payload = make_many();
	machine.apic_base |= 1 << 10;
	payload->features = CPU_FEATURE_X2APIC;
	payload->apic_ids[0] = 20;
	payload->apic_ids[1] = 0x100;
	payload->apic_ids[2] = UINT32_MAX;
	set_hash(payload);
	cpus[20].kind = HELPS;
	machine.step = 1000;
	restores_many(payload);
	assert_int_equal(machine.calls, 4);
	assert_int_equal(outcome_cpus(), 2);
}

/* Pieces of what is cleared end where they do, and not where entries do. */
static void clears_in_pieces(void **state)
{
	(void)state;
	for (unsigned first = CLEAR_PAGES - 2; first <= CLEAR_PAGES + 2; first++) {
		struct payload *payload = make();
		struct payload_clear clears[] = { { LARGE, first, 0, 1 },
						  { LARGE + first + 1, 1, first, 2 },
						  { LARGE + first + 3, CLEAR_PAGES, first + 1,
						    3 } };

		memset(frame(LARGE), 0x5a, LARGE_FRAMES * FRAME_SIZE);
		payload->clears = (uintptr_t)clears;
		payload->clear_count = 3;
		clear_pages(payload);
		for (unsigned i = 0; i < LARGE_FRAMES; i++) {
			uint8_t wanted = i < first		       ? 1
					 : i == first + 1	       ? 2
					 : i < first + 3	       ? 0x5a
					 : i < first + 3 + CLEAR_PAGES ? 3
								       : 0x5a;

			for (unsigned k = 0; k < FRAME_SIZE; k += FRAME_SIZE - 1)
				assert_int_equal(((uint8_t *)frame(LARGE + i))[k], wanted);
		}
	}
}

static bool map(uint64_t pfn, size_t count)
{
	void *wanted = frame(pfn);

	return mmap(wanted, count * FRAME_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == wanted;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restores),
		cmocka_unit_test(mismatches),
		cmocka_unit_test(damaged_struct),
		cmocka_unit_test(other_mailboxes),
		cmocka_unit_test(apic_modes),
		cmocka_unit_test(helpers_help),
		cmocka_unit_test(helpers_and_apic_mode),
		cmocka_unit_test(absent_helpers),
		cmocka_unit_test(helper_in_vain),
		cmocka_unit_test(stalled_helpers),
		cmocka_unit_test(helpers_mismatch),
		cmocka_unit_test(no_helpers),
		cmocka_unit_test(impossible_ids),
		cmocka_unit_test(clears_in_pieces),
	};
	if (!map(FIRST, FRAMES) || !map(WAKE, 1) || !map(LARGE, LARGE_FRAMES))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
