/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The payload's CPUs: whoever helps, whenever, all is right. */
#include "fake-payload.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(helpers_help),	   cmocka_unit_test(helpers_and_apic_mode),
		cmocka_unit_test(absent_helpers),  cmocka_unit_test(helper_in_vain),
		cmocka_unit_test(stalled_helpers), cmocka_unit_test(helpers_mismatch),
		cmocka_unit_test(no_helpers),	   cmocka_unit_test(impossible_ids),
	};

	if (!map_all())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
