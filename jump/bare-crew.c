/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The payload's CPUs. */
#include "jump/bare-crew.h"

#include <stddef.h>

#include "jump/bare-io.h"

/* Intel SDM volume 3, 11.4 and 11.12. */
#define MSR_APIC_BASE	0x1b
#define MSR_X2APIC	0x800 /* register N, in units of 16 bytes, of x2APIC mode */
#define APIC_X2		(1 << 10)
#define APIC_ENABLED	(1 << 11)
#define APIC_ID		0x20
#define APIC_ICR	0x300
#define APIC_ICR_HIGH	0x310
#define ICR_BUSY	(1 << 12)
#define ICR_INIT_OTHERS 0xc4500 /* all but self, level assert, INIT */
#define ICR_STARTUP	0x600	/* to the one, with the number of the frame */
#define XAPIC_ID_MAX	254
#define X2APIC_ID_ALL	UINT32_MAX
#define WAKE_PFN_END	0xa0 /* A frame's number is one byte there, and no RAM begins here. */
#define FOUR_GIB	(1ULL << 32)
#define CR4_PAE		(1 << 5)
#define CR4_LA57	(1 << 12)
#define TICKS_MS_MIN	(1ULL << 16) /* 65 MHz, */
#define TICKS_MS_MAX	(1ULL << 26) /* and 67 GHz: what is not between them is no rate */
#define CREW_LEAVE	(CREW_JOBS + 1)

/* Milliseconds. What ends at once as a rule may take as long as a host does not run a CPU. */
#define MS_TO_COME 1000
#define MS_TO_END  1000
#define MS_TO_INIT 10 /* of a CPU that does anything, */
#define MS_TO_REST 1  /* and of those that have halted */

/* Code for real mode, and what it reads. */
extern const uint8_t wake_code[], wake_code_end[];
/* Where it goes on. */
extern const uint8_t helper_start[];

struct wake_data {
	uint64_t gdt[4];
	uint16_t gdt_limit;
	uint32_t gdt_base;
	uint16_t idt_limit;
	uint32_t idt_base;
	uint32_t jump32;
	uint16_t jump32_selector;
	uint32_t jump64;
	uint16_t jump64_selector;
	uint32_t cr3, cr4;
} __attribute__((packed));

#define LIES_AT(field, offset)                                                                     \
	_Static_assert(WAKE_DATA + offsetof(struct wake_data, field) == (offset), #field)
LIES_AT(gdt, WAKE_GDT);
LIES_AT(gdt_limit, WAKE_GDT_POINTER);
LIES_AT(idt_limit, WAKE_IDT_POINTER);
LIES_AT(jump32, WAKE_JUMP32);
LIES_AT(jump64, WAKE_JUMP64);
LIES_AT(cr3, WAKE_CR3);
LIES_AT(cr4, WAKE_CR4);

/* Each of these is one access to memory, in its place among all others. */
static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static struct crew *crew_of(const struct payload *payload)
{
	return (struct crew *)((uintptr_t)payload + PAYLOAD_CREW - PAYLOAD_STRUCT);
}

void crew_fail(const struct payload *payload)
{
	store(&crew_of(payload)->failed, 1);
}

bool crew_failed(const struct payload *payload)
{
	return load(&crew_of(payload)->failed) != 0;
}

static void wait_ticks(uint64_t count)
{
	uint64_t start = ticks();

	while (ticks() - start < count)
		relax();
}

/* --- the local APIC ------------------------------------------------------------------------- */

enum apic { APIC_NONE, APIC_XAPIC, APIC_X2APIC };

/* One that was moved is not mapped. */
static enum apic apic_mode(void)
{
	uint64_t base = read_msr(MSR_APIC_BASE);

	if (!(base & APIC_ENABLED))
		return APIC_NONE;
	if (base & APIC_X2)
		return APIC_X2APIC;
	return (base & ~0xfffULL) == APIC_ADDRESS ? APIC_XAPIC : APIC_NONE;
}

static uint32_t own_id(enum apic apic)
{
	return apic == APIC_X2APIC ? (uint32_t)read_msr(MSR_X2APIC + APIC_ID / 16)
				   : apic_read(APIC_ID) >> 24;
}

static void send(enum apic apic, uint32_t id, uint32_t command)
{
	fence();
	if (apic == APIC_X2APIC) {
		write_msr(MSR_X2APIC + APIC_ICR / 16, (uint64_t)id << 32 | command);
		return;
	}
	apic_write(APIC_ICR_HIGH, id << 24);
	apic_write(APIC_ICR, command);
	/* Until it is delivered, which one to nobody may never be. */
	for (unsigned i = 0; i < 100000 && (apic_read(APIC_ICR) & ICR_BUSY); i++)
		relax();
}

static void init_others(const struct payload *payload, uint64_t ms)
{
	send(apic_mode(), 0, ICR_INIT_OTHERS);
	wait_ticks(ms * payload->ticks_ms);
}

/* --- waking --------------------------------------------------------------------------------- */

/* Flat segments, as Linux has them. */
#define GDT_CODE32 0x00cf9b000000ffffULL
#define GDT_DATA   0x00cf93000000ffffULL
#define GDT_CODE64 0x00af9b000000ffffULL

static void put_code(uint64_t pfn, uint64_t jump64)
{
	uint8_t *page = (uint8_t *)(pfn << FRAME_SHIFT);
	uint32_t base = (uint32_t)(uintptr_t)page;
	struct wake_data *data = (void *)(page + WAKE_DATA);

	for (size_t i = 0; wake_code + i < wake_code_end; i++)
		page[i] = wake_code[i];
	*data = (struct wake_data){
		.gdt = { 0, GDT_CODE32, GDT_DATA, GDT_CODE64 },
		.gdt_limit = sizeof(data->gdt) - 1,
		.gdt_base = base + WAKE_GDT,
		.jump32 = base + WAKE_CODE32,
		.jump32_selector = WAKE_CODE32_SEL,
		.jump64 = (uint32_t)jump64,
		.jump64_selector = WAKE_CODE64_SEL,
		.cr3 = (uint32_t)read_cr3(),
		.cr4 = CR4_PAE | ((uint32_t)read_cr4() & CR4_LA57),
	};
}

/* Is there everything that helpers need? All code lies below the tables. */
static bool can_wake(const struct payload *payload, enum apic apic)
{
	return apic != APIC_NONE && payload->wake_pfn && payload->wake_pfn < WAKE_PFN_END &&
	       payload->apic_count <= PAYLOAD_HELPERS + 1 && payload->ticks_ms > TICKS_MS_MIN &&
	       payload->ticks_ms < TICKS_MS_MAX && read_cr3() < FOUR_GIB;
}

/* How many were called. */
static uint64_t call(const struct payload *payload, enum apic apic)
{
	uint32_t self = own_id(apic);
	uint64_t called = 0;

	/* One of them is this CPU. */
	for (uint32_t i = 0; i < payload->apic_count && called + 1 < payload->apic_count; i++) {
		uint32_t id = payload->apic_ids[i];

		if (id == self || id == X2APIC_ID_ALL || (apic == APIC_XAPIC && id > XAPIC_ID_MAX))
			continue;
		send(apic, id, ICR_STARTUP | (uint32_t)payload->wake_pfn);
		called++;
	}
	return called;
}

void crew_wake(const struct payload *payload)
{
	struct crew *crew = crew_of(payload);
	enum apic apic = apic_mode();

	if (!can_wake(payload, apic))
		return;
	put_code(payload->wake_pfn, (uintptr_t)helper_start);
	crew->woken = call(payload, apic);
	/* The second time is for processors that miss the first one; who has it ignores this. */
	wait_ticks(payload->ticks_ms / 5);
	call(payload, apic);
	crew->until = ticks() + MS_TO_COME * payload->ticks_ms;
}

/* --- working -------------------------------------------------------------------------------- */

static void take_units(const struct payload *payload, struct crew *crew, uint64_t job)
{
	for (;;) {
		uint64_t unit = __atomic_fetch_add(&crew->jobs[job].next, 1, __ATOMIC_SEQ_CST);

		if (unit >= crew->jobs[job].units || load(&crew->failed))
			return;
		crew->jobs[job].work(payload, unit);
	}
}

static bool anybody_busy(const struct crew *crew)
{
	for (unsigned i = 0; i < PAYLOAD_HELPERS; i++)
		if (load(&crew->seats[i].busy))
			return true;
	return false;
}

/*
 * A helper says that it is busy before it takes a unit, and takes none when the job has no more of
 * them. So when the boot CPU has seen the last unit taken, whoever does one is seen to be busy.
 */
void crew_do(const struct payload *payload, enum crew_job job, crew_work *work, uint64_t units)
{
	struct crew *crew = crew_of(payload);
	uint64_t start;

	crew->jobs[job].work = work;
	crew->jobs[job].units = units;
	store(&crew->current, job + 1);
	take_units(payload, crew, job);
	start = ticks();
	while (crew->woken && anybody_busy(crew)) {
		if (ticks() - start < MS_TO_END * payload->ticks_ms) {
			relax();
			continue;
		}
		init_others(payload, MS_TO_INIT);
		crew->woken = 0;
		for (unsigned i = 0; i < PAYLOAD_HELPERS; i++)
			crew->seats[i].busy = 0;
		for (uint64_t unit = 0; unit < units && !load(&crew->failed); unit++)
			work(payload, unit);
	}
}

void crew_help(const struct payload *payload, uint64_t seat)
{
	struct crew *crew = crew_of(payload);
	uint64_t done = 0, now;

	while ((now = load(&crew->current)) != CREW_LEAVE) {
		if (now == done) {
			relax();
			continue;
		}
		store(&crew->seats[seat].busy, 1);
		take_units(payload, crew, now - 1);
		store(&crew->seats[seat].busy, 0);
		done = now;
	}
	write_back_caches();
	store(&crew->seats[seat].left, 1);
}

/* --- leaving -------------------------------------------------------------------------------- */

static uint32_t count_left(const struct crew *crew)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < PAYLOAD_HELPERS; i++)
		count += load(&crew->seats[i].left) != 0;
	return count;
}

/* Is one still to be waited for? Who came ends soon; who did not may come until crew->until. */
static bool wait_on(const struct payload *payload, const struct crew *crew, uint64_t start)
{
	uint64_t left = count_left(crew), now = ticks();

	if (left >= crew->woken)
		return false;
	return (int64_t)(crew->until - now) > 0 ||
	       (load(&crew->joined) > left && now - start < MS_TO_END * payload->ticks_ms);
}

/*
 * Where helpers start is A's memory from here on. Whoever would have come later than that is in
 * INIT by then, and has had a second.
 */
uint32_t crew_dismiss(const struct payload *payload)
{
	struct crew *crew = crew_of(payload);
	uint64_t start = ticks();

	if (!crew->woken)
		return 0;
	store(&crew->current, CREW_LEAVE);
	while (wait_on(payload, crew, start))
		relax();
	init_others(payload, count_left(crew) >= crew->woken ? MS_TO_REST : MS_TO_INIT);
	return count_left(crew);
}
