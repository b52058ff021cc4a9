/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The restore plan: random machines, each restored in a simulated memory of tiny frames the way
 * the payload does it, and compared with what was wanted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/restorable.h"
#include "restore/plan.h"

#define FRAMES	  3000
#define RAM_END	  2800 /* frames beyond are C's, but no RAM of A's */
#define HOLE	  1200 /* frames [HOLE, HOLE + 60) are no RAM at all */
#define HOLE_SIZE 60
#define HOME	  1400
#define HOME_SIZE 128
#define SEGMENT	  20 /* frames */
#define MAILBOX	  2000
#define BYTES	  16 /* of a simulated frame */
#define MAX_CHUNK 40
#define GARBAGE	  0x5c

enum kind {
	KIND_NONE, /* no RAM of A's */
	KIND_DATA,
	KIND_ZERO,
	KIND_FREE,
	KIND_UNTOUCHABLE,
	KIND_HOME,
};

struct machine {
	enum kind kind[FRAMES];
	bool owned[FRAMES];
	struct image_index index;
	struct runs own;
	struct run segment;
};

static unsigned below(unsigned limit)
{
	return (unsigned)rand() % limit;
}

/* --- machines ------------------------------------------------------------------------------- */

static void set_kinds(struct machine *machine, unsigned data_share)
{
	unsigned pfn = 1;

	while (pfn < RAM_END) {
		unsigned count = 1 + below(below(4) ? 12 : 200);
		enum kind kind = below(100) < data_share
					 ? KIND_DATA
					 : (enum kind[]){ KIND_ZERO, KIND_FREE, KIND_FREE,
							  KIND_UNTOUCHABLE }[below(4)];

		while (count-- && pfn < RAM_END)
			machine->kind[pfn++] = kind;
	}
	for (pfn = HOLE; pfn < HOLE + HOLE_SIZE; pfn++)
		machine->kind[pfn] = KIND_NONE;
	for (pfn = HOME; pfn < HOME + HOME_SIZE; pfn++)
		machine->kind[pfn] = KIND_HOME;
	for (pfn = 1; pfn < 30; pfn++)
		machine->kind[pfn] = KIND_HOME; /* low memory */
	machine->kind[MAILBOX] = KIND_DATA;
}

/* A kernel that owns runs of frames, of all RAM and beyond. */
static void set_owned(struct machine *machine, unsigned share)
{
	unsigned pfn = 1;

	while (pfn < FRAMES) {
		unsigned count = 1 + below(64);
		bool owned = below(100) < share;

		for (; count-- && pfn < FRAMES; pfn++)
			machine->owned[pfn] = owned && (pfn < HOLE || pfn >= HOLE + HOLE_SIZE);
	}
}

static void list_kind(const struct machine *machine, enum kind kind, struct runs *ret)
{
	for (unsigned pfn = 0; pfn < FRAMES; pfn++)
		if (machine->kind[pfn] == kind)
			assert_int_equal(runs_add(ret, pfn, 1), 0);
}

static void add_chunk(struct image_index *index, const struct run *runs, uint32_t count)
{
	struct image_chunk *chunk = &index->chunks[index->chunk_count++];

	*chunk = (struct image_chunk){ .first_run = index->data.n, .run_count = count };
	chunk->page_hash = (uint64_t)rand();
	for (uint32_t i = 0; i < count; i++) {
		/* Not runs_add(): it would merge with the chunk before. */
		index->data.v[index->data.n++] = runs[i];
		chunk->pages += (uint32_t)runs[i].count;
	}
}

/* Cut the data frames into runs, shuffle these, and gather them in chunks. */
static void make_chunks(struct image_index *index, const struct runs *data)
{
	struct run *cut = calloc(FRAMES, sizeof(*cut));
	size_t n = 0;

	assert_non_null(cut);
	for (size_t i = 0; i < data->n; i++)
		for (uint64_t at = 0, count; at < data->v[i].count; at += count) {
			count = 1 + below(MAX_CHUNK);
			if (count > data->v[i].count - at)
				count = data->v[i].count - at;
			cut[n++] = (struct run){ data->v[i].pfn + at, count };
		}
	for (size_t i = n; below(2) && i > 1; i--) {
		size_t k = below((unsigned)i);
		struct run swap = cut[k];

		cut[k] = cut[i - 1];
		cut[i - 1] = swap;
	}
	index->chunks = calloc(n + 1, sizeof(*index->chunks));
	index->data.v = calloc(n + 1, sizeof(*index->data.v));
	index->data.capacity = n + 1;
	assert_true(index->chunks && index->data.v);
	for (size_t i = 0, count; i < n; i += count) {
		count = 1 + below(4);
		if (count > n - i)
			count = n - i;
		add_chunk(index, &cut[i], (uint32_t)count);
	}
	free(cut);
}

static struct machine *machine_create(unsigned seed, unsigned data_share, unsigned own_share)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	struct image_index *index;
	struct runs data = { 0 };

	assert_non_null(machine);
	srand(seed);
	set_kinds(machine, data_share);
	set_owned(machine, own_share);
	index = &machine->index;
	list_kind(machine, KIND_DATA, &data);
	list_kind(machine, KIND_ZERO, &index->zero);
	list_kind(machine, KIND_FREE, &index->free);
	list_kind(machine, KIND_UNTOUCHABLE, &index->untouchable);
	list_kind(machine, KIND_HOME, &index->home);
	make_chunks(index, &data);
	runs_free(&data);
	index->machine.mailbox_pfn = MAILBOX;
	index->machine.fill = below(3);
	machine->segment = (struct run){ HOME, SEGMENT };
	for (unsigned pfn = 0; pfn < FRAMES; pfn++)
		if (machine->owned[pfn])
			assert_int_equal(runs_add(&machine->own, pfn, 1), 0);
	return machine;
}

static void machine_free(struct machine *machine)
{
	runs_free(&machine->own);
	runs_free(&machine->index.zero);
	runs_free(&machine->index.free);
	runs_free(&machine->index.untouchable);
	runs_free(&machine->index.home);
	runs_free(&machine->index.data);
	free(machine->index.chunks);
	free(machine);
}

/* The rule for staging frames, said a second time, frame by frame. */
static bool may_stage(const struct machine *machine, unsigned pfn)
{
	enum kind kind = machine->kind[pfn];

	return machine->owned[pfn] &&
	       (kind == KIND_ZERO || kind == KIND_FREE || kind == KIND_HOME) &&
	       !(pfn >= HOME && pfn < HOME + SEGMENT) &&
	       !(pfn >= MAILBOX && pfn < MAILBOX + MAILBOX_SIZE / FRAME_SIZE);
}

static unsigned count_missing(const struct machine *machine)
{
	unsigned homeless = 0, staging = 0;

	for (unsigned pfn = 0; pfn < FRAMES; pfn++) {
		homeless += machine->kind[pfn] == KIND_DATA && !machine->owned[pfn];
		staging += may_stage(machine, pfn);
	}
	return homeless > staging ? homeless - staging : 0;
}

/* --- invariants ----------------------------------------------------------------------------- */

/* Every page of every chunk, in order, at one source of its own; runs merged maximally. */
static void check_runs(const struct machine *machine, const struct plan *plan)
{
	const struct image_index *index = &machine->index;
	bool used[FRAMES] = { false };
	uint64_t in_place = 0, copied = 0;
	size_t at = 0;

	assert_int_equal(plan->chunk_count, index->chunk_count);
	for (size_t i = 0; i < index->chunk_count; i++) {
		const struct image_chunk *chunk = &index->chunks[i];
		const struct run *data = &index->data.v[chunk->first_run];
		uint64_t done = 0;

		assert_int_equal(plan->chunks[i].first_run, at);
		assert_int_equal(plan->chunks[i].hash, chunk->page_hash);
		for (uint32_t k = 0; k < plan->chunks[i].run_count; k++, at++) {
			const struct payload_run *run = &plan->runs[at];

			assert_true(run->count > 0);
			assert_false(k && run[-1].source + run[-1].count == run->source &&
				     run[-1].target + run[-1].count == run->target);
			for (uint64_t n = 0; n < run->count; n++) {
				uint64_t source = run->source + n, target = run->target + n;

				assert_int_equal(target, data->pfn + done);
				assert_true(machine->owned[source] && !used[source]);
				used[source] = true;
				if (source == target)
					in_place++;
				else
					copied++;
				assert_true(source == target || may_stage(machine, source));
				assert_true(source == target || !machine->owned[target]);
				if (++done == data->count) {
					data++;
					done = 0;
				}
			}
		}
		assert_int_equal(done, 0);
		assert_ptr_equal(data, &index->data.v[chunk->first_run + chunk->run_count]);
	}
	assert_int_equal(at, plan->run_count);
	assert_int_equal(in_place, plan->in_place);
	assert_int_equal(copied, plan->copied);
	for (size_t i = 0, before = 0; i < plan->clear_count; before += plan->clears[i++].count)
		assert_int_equal(plan->clears[i].before, before);
}

/* --- simulated memory ----------------------------------------------------------------------- */

static void wanted_page(uint64_t pfn, unsigned char page[BYTES])
{
	for (unsigned i = 0; i < BYTES; i++)
		page[i] = (unsigned char)(pfn * 31 + pfn / 256 + i * 7 + 1);
}

static void simulate(const struct plan *plan, unsigned char memory[FRAMES][BYTES])
{
	unsigned char page[BYTES];

	for (size_t i = 0; i < plan->run_count; i++)
		for (uint64_t n = 0; n < plan->runs[i].count; n++)
			wanted_page(plan->runs[i].target + n, memory[plan->runs[i].source + n]);
	/* The payload: verify everything, copy everything, clear everything. */
	for (size_t i = 0; i < plan->run_count; i++)
		for (uint64_t n = 0; n < plan->runs[i].count; n++) {
			wanted_page(plan->runs[i].target + n, page);
			assert_memory_equal(memory[plan->runs[i].source + n], page, BYTES);
		}
	for (size_t i = 0; i < plan->run_count; i++)
		if (plan->runs[i].source != plan->runs[i].target)
			memcpy(memory[plan->runs[i].target], memory[plan->runs[i].source],
			       plan->runs[i].count * BYTES);
	for (size_t i = 0; i < plan->clear_count; i++)
		memset(memory[plan->clears[i].pfn], (int)plan->clears[i].byte,
		       plan->clears[i].count * BYTES);
}

/* In the home, where neither the payload nor its helpers are, nor firmware may be. */
static bool is_left_over(const struct machine *machine, unsigned pfn)
{
	bool segment = pfn >= HOME && pfn < HOME + SEGMENT;

	return machine->kind[pfn] == KIND_HOME && !segment && pfn >= 0x10 &&
	       pfn != plan_wake_pfn(&machine->index);
}

static void check_memory_result(const struct machine *machine, unsigned char memory[FRAMES][BYTES])
{
	static const unsigned char fills[] = {
		[FILL_NONE] = 0, [FILL_ZERO] = 0, [FILL_POISON] = 0xaa
	};
	unsigned fill = machine->index.machine.fill;

	for (unsigned pfn = 0; pfn < FRAMES; pfn++) {
		enum kind kind = machine->kind[pfn];
		bool segment = pfn >= HOME && pfn < HOME + SEGMENT;
		unsigned char page[BYTES];

		if (kind == KIND_DATA)
			wanted_page(pfn, page);
		else if (kind == KIND_ZERO)
			memset(page, 0, BYTES);
		else if (kind == KIND_FREE && fill != FILL_NONE)
			memset(page, fills[fill], BYTES);
		else if (is_left_over(machine, pfn) && fill != FILL_NONE)
			memset(page, 0, BYTES);
		else if (kind == KIND_UNTOUCHABLE || kind == KIND_NONE || segment)
			memset(page, GARBAGE, BYTES);
		else
			continue;
		assert_memory_equal(memory[pfn], page, BYTES);
	}
}

static void run_machine(unsigned seed, unsigned data_share, unsigned own_share, unsigned *short_of)
{
	static unsigned char memory[FRAMES][BYTES];
	struct machine *machine = machine_create(seed, data_share, own_share);
	struct runs data = { 0 }, spare = { 0 };
	struct error err = { 0 };
	struct plan plan = { 0 };
	uint64_t missing;
	int rc;

	list_kind(machine, KIND_DATA, &data);
	assert_int_equal(plan_spare(&machine->index, machine->segment, &spare, &err), 0);
	assert_true(runs_valid(&spare));
	missing = plan_missing(&data, &spare, &machine->own);
	assert_int_equal(missing, count_missing(machine));
	rc = plan_make(&machine->index, &machine->own, &spare, &plan, &err);
	assert_int_equal(rc, missing ? -ENOMEM : 0);
	if (rc) {
		(*short_of)++;
		assert_null(plan.runs);
	} else {
		check_runs(machine, &plan);
		assert_in_range(plan.clear_count, machine->index.zero.n,
				image_clears_max(&machine->index));
		memset(memory, GARBAGE, sizeof(memory));
		simulate(&plan, memory);
		check_memory_result(machine, memory);
	}
	plan_free(&plan);
	runs_free(&data);
	runs_free(&spare);
	machine_free(machine);
}

/* --- tests ---------------------------------------------------------------------------------- */

static void random_machines(void **state)
{
	unsigned short_of = 0, total = 0;

	(void)state;
	for (unsigned data = 5; data <= 65; data += 20)
		for (unsigned own = 50; own <= 95; own += 15)
			for (unsigned seed = 0; seed < 12; seed++, total++)
				run_machine(total * 7919 + seed, data, own, &short_of);
	/* Both outcomes must have been seen. */
	assert_in_range(short_of, 5, total - 100);
}

/* Two data frames, none owned, and SPARES owned free frames. */
static int plan_two(uint64_t spares, struct plan *plan)
{
	struct run data = { 100, 2 };
	struct image_chunk chunk = { .pages = 2, .run_count = 1 };
	struct image_index index = { .chunks = &chunk,
				     .chunk_count = 1,
				     .data = { .v = &data, .n = 1, .capacity = 1 },
				     .machine = { .mailbox_pfn = 4096 } };
	struct runs own = { 0 }, spare = { 0 };
	struct error err = { 0 };
	int rc;

	assert_int_equal(runs_add(&index.free, 200, 10), 0);
	assert_int_equal(runs_add(&own, 200, spares), 0);
	assert_int_equal(plan_spare(&index, (struct run){ 300, 5 }, &spare, &err), 0);
	rc = plan_make(&index, &own, &spare, plan, &err);
	runs_free(&index.free);
	runs_free(&own);
	runs_free(&spare);
	return rc;
}

static void one_frame_too_few(void **state)
{
	struct plan plan = { 0 };

	(void)state;
	assert_int_equal(plan_two(0, &plan), -ENOMEM);
	assert_int_equal(plan_two(1, &plan), -ENOMEM);
	assert_int_equal(plan_two(2, &plan), 0);
	assert_int_equal(plan.run_count, 1);
	assert_int_equal(plan.runs[0].source, 200);
	assert_int_equal(plan.runs[0].target, 100);
	assert_int_equal(plan.runs[0].count, 2);
	assert_int_equal(plan.copied, 2);
	assert_int_equal(plan.clear_count, 0); /* no fill policy */
	plan_free(&plan);
}

static void spare_leaves_out_segment_and_mailbox(void **state)
{
	struct image_index index = { .machine = { .mailbox_pfn = 1024 } };
	struct runs spare = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(runs_add(&index.home, 100, 100), 0);
	assert_int_equal(runs_add(&index.free, 1000, 1000), 0);
	assert_int_equal(runs_add(&index.zero, 200, 50), 0);
	assert_int_equal(runs_add(&index.untouchable, 2000, 50), 0);
	assert_int_equal(plan_spare(&index, (struct run){ 100, 30 }, &spare, &err), 0);
	assert_int_equal(spare.n, 3);
	assert_int_equal(spare.v[0].pfn, 130);
	assert_int_equal(spare.v[0].count, 120);
	assert_int_equal(spare.v[1].pfn, 1000);
	assert_int_equal(spare.v[1].count, 24);
	assert_int_equal(spare.v[2].pfn, 1024 + 512);
	assert_int_equal(spare.v[2].count, 2000 - 1024 - 512);
	/* No mailbox, as when kernel B was loaded by hand: nothing but the segment is left out. */
	index.machine.mailbox_pfn = 0;
	assert_int_equal(plan_spare(&index, (struct run){ 100, 30 }, &spare, &err), 0);
	assert_int_equal(runs_total(&spare), 70 + 50 + 1000);
	runs_free(&spare);
	runs_free(&index.home);
	runs_free(&index.free);
	runs_free(&index.zero);
	runs_free(&index.untouchable);
}

/* Helpers start in a frame of the home that is RAM, below 512 KiB, and nothing is staged there. */
static void wake_frame(void **state)
{
	static const struct {
		struct run home, ram;
		uint64_t segment, wanted;
	} cases[] = {
		{ { 1, 0x9e }, { 0, 0x9f }, 0x10000, 0x10 },
		{ { 0x20, 0x10 }, { 0, 0x9f }, 0x10000, 0x20 },
		{ { 0x7f, 0x20 }, { 0, 0x9f }, 0x10000, 0x7f },
		{ { 1, 0x9e }, { 0x30, 0x60 }, 0x10000, 0x30 },
		{ { 0x80, 0x1f }, { 0, 0x9f }, 0x10000, 0 },
		{ { 1, 0xf }, { 0, 0x9f }, 0x10000, 0 },
		{ { 1, 0x9e }, { 0x100, 0x9f }, 0x10000, 0 },
		{ { 0x10000, 0x100 }, { 0, 0x20000 }, 0x10000, 0 },
		{ { 1, 0x10000 }, { 0, 0x20000 }, 1, 0 }, /* the payload itself may lie there */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct image_index index = { .machine.home_start = cases[i].segment
								   << FRAME_SHIFT };
		struct runs spare = { 0 };
		struct error err = { 0 };

		assert_int_equal(runs_add(&index.home, cases[i].home.pfn, cases[i].home.count), 0);
		assert_int_equal(runs_add(&index.ram, cases[i].ram.pfn, cases[i].ram.count), 0);
		assert_int_equal(plan_wake_pfn(&index), cases[i].wanted);
		assert_int_equal(plan_spare(&index, (struct run){ 0x20000, 1 }, &spare, &err), 0);
		assert_int_equal(runs_total(&spare), cases[i].home.count - (cases[i].wanted != 0));
		assert_false(cases[i].wanted && runs_contain(&spare, cases[i].wanted));
		runs_free(&spare);
		runs_free(&index.home);
		runs_free(&index.ram);
	}
}

static void covered(void **state)
{
	struct run v[] = { { 10, 5 }, { 20, 1 }, { 30, 10 } };
	struct runs list = { .v = v, .n = 3 };

	(void)state;
	assert_int_equal(plan_covered(&list, (struct run){ 0, 10 }), 0);
	assert_int_equal(plan_covered(&list, (struct run){ 0, 11 }), 1);
	assert_int_equal(plan_covered(&list, (struct run){ 12, 9 }), 4);
	assert_int_equal(plan_covered(&list, (struct run){ 14, 100 }), 12);
	assert_int_equal(plan_covered(&list, (struct run){ 33, 2 }), 2);
	assert_int_equal(plan_covered(&list, (struct run){ 40, 5 }), 0);
	assert_int_equal(plan_covered(&list, (struct run){ 12, 0 }), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_machines),
		cmocka_unit_test(one_frame_too_few),
		cmocka_unit_test(spare_leaves_out_segment_and_mailbox),
		cmocka_unit_test(wake_frame),
		cmocka_unit_test(covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
