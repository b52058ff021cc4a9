/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long lists of pages get in kernel B, for machines of 64 GiB and 1 TiB: as scattered as one
 * was seen to be, and with every second page another kind. Nothing is read here; the lists are
 * those that a save makes, by the same rules.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/long-runs.h"
#include "image/internal.h"
#include "image/restorable.h"
#include "kjump/load/home.h"
#include "temp-disk.h"
#include "writer/budget.h"
#include "writer/selection.h"

#define MIB	   (UINT64_C(1) << 20)
#define GIB_FRAMES (UINT64_C(1) << 18)

/* What kernel B takes itself: its image, all else that it needs at any time and for each CPU. */
#define KERNEL_MIB    30
#define INITRAMFS_MIB 3
#define TAKEN_MIB     (KERNEL_MIB + 5 * INITRAMFS_MIB + 14)
#define TAKEN_PER_CPU (5 * MIB / 2)

/* Frames of a period: data, free, data, zero. */
struct pattern {
	unsigned data, free, more, zero;
};

/* 1,605 runs in a GiB were counted on a machine in use. */
static const struct pattern seen = { 200, 130, 170, 153 };
static const struct pattern worst = { 1, 1, 1, 1 };

static uint64_t period(const struct pattern *pattern)
{
	return pattern->data + pattern->free + pattern->more + pattern->zero;
}

struct model {
	const struct pattern *pattern;
	struct runs ram, home;
	struct image_machine machine;
	uint64_t home_size, available;
	unsigned workers;
	size_t runs;
	struct selection selection;
	struct image_index index;
	size_t chunk_capacity;
	uint32_t pages; /* of the chunk that is being filled */
};

static void make_model(struct model *model, const struct pattern *pattern, uint64_t gib,
		       unsigned cpus)
{
	static const struct jump_kernel kernel = { .init_size = KERNEL_MIB * MIB,
						   .alignment = 2 * MIB };
	struct home_load load = { &kernel, INITRAMFS_MIB * MIB, cpus, gib << 30, 0, 0 };

	*model = (struct model){ .pattern = pattern, .workers = cpus };
	assert_int_equal(runs_add(&model->ram, 16, 3 * GIB_FRAMES - 16), 0);
	assert_int_equal(runs_add(&model->ram, 4 * GIB_FRAMES, (gib - 3) * GIB_FRAMES), 0);
	model->home_size = home_needed(&load, LEVEL_DEFAULT);
	assert_int_equal(runs_add(&model->home, GIB_FRAMES, model->home_size >> FRAME_SHIFT), 0);
	model->machine = (struct image_machine){ .entry = 4096,
						 .home_start = GIB_FRAMES << FRAME_SHIFT,
						 .fill = FILL_ZERO };
	model->available = model->home_size - TAKEN_MIB * MIB - cpus * TAKEN_PER_CPU;
}

static int make_budget(struct model *model, struct error *err)
{
	const struct budget budget = { .available = model->available,
				       .workers = model->workers,
				       .level = LEVEL_DEFAULT,
				       .ram = &model->ram,
				       .home = &model->home,
				       .machine = &model->machine };

	return budget_runs(&budget, &model->runs, err);
}

/* As the finder does. */
static void find_free(struct model *model, struct runs *ret)
{
	struct long_runs list = { .limit = model->runs / 2 };
	const struct pattern *p = model->pattern;

	for (size_t i = 0; i < model->ram.n; i++) {
		const struct run *run = &model->ram.v[i];

		for (uint64_t pfn = run->pfn; pfn + period(p) <= run->pfn + run->count;
		     pfn += period(p))
			if (long_runs_add(&list, pfn + p->data, p->free))
				fail();
	}
	long_runs_end(&list);
	assert_true(list.list.n <= model->runs / 2);
	*ret = list.list;
}

static void add_data(struct model *model, uint64_t pfn, uint64_t count)
{
	struct image_index *index = &model->index;

	while (count) {
		struct image_chunk *chunk;
		struct runs *data = &index->data;
		uint64_t n = IMAGE_CHUNK_PAGES - model->pages;

		if (!model->pages) {
			if (index->chunk_count == model->chunk_capacity) {
				model->chunk_capacity += 1 << 20;
				index->chunks = reallocarray(index->chunks, model->chunk_capacity,
							     sizeof(*index->chunks));
				assert_non_null(index->chunks);
			}
			index->chunks[index->chunk_count++] = (struct image_chunk){
				.offset = IMAGE_DATA_START + (index->chunk_count - 1) * IMAGE_BLOCK,
				.stored = IMAGE_BLOCK,
				.codec = CODEC_ZSTD,
				.first_run = data->n,
			};
		}
		n = n < count ? n : count;
		chunk = &index->chunks[index->chunk_count - 1];
		if (data->n > chunk->first_run &&
		    data->v[data->n - 1].pfn + data->v[data->n - 1].count == pfn)
			data->v[data->n - 1].count += n;
		else if (runs_append(data, pfn, n))
			fail();
		for (uint64_t i = model->pages; i < model->pages + n; i++)
			chunk->used[i / 64] |= UINT64_C(1) << i % 64;
		chunk->pages = chunk->all_pages = model->pages += n;
		chunk->run_count = data->n - chunk->first_run;
		model->pages %= IMAGE_CHUNK_PAGES;
		pfn += n;
		count -= n;
	}
}

/* How many frames from PFN on, up to END, are zero, or are not. */
static uint64_t alike(const struct model *model, uint64_t pfn, uint64_t end, bool *zero)
{
	const struct pattern *p = model->pattern;
	uint64_t start = pfn >= model->ram.v[1].pfn ? model->ram.v[1].pfn : model->ram.v[0].pfn;
	uint64_t at = (pfn - start) % period(p), border = period(p) - p->zero, n;

	*zero = at >= border;
	n = *zero ? period(p) - at : border - at;
	return n < end - pfn ? n : end - pfn;
}

/* As the workers do. */
static void take_slice(struct model *model, const struct slice *slice, uint64_t shortest)
{
	const struct runs *save = &model->selection.save;

	for (size_t i = slice->first; i < save->n && save->v[i].pfn < slice->end; i++) {
		uint64_t pfn = save->v[i].pfn > slice->pfn ? save->v[i].pfn : slice->pfn;
		uint64_t end = save->v[i].pfn + save->v[i].count;

		end = end < slice->end ? end : slice->end;
		while (pfn < end) {
			bool zero;
			uint64_t n = alike(model, pfn, end, &zero);

			if (!zero || n < shortest)
				add_data(model, pfn, n);
			else if (runs_add(&model->index.zero, pfn, n))
				fail();
			pfn += n;
		}
	}
}

static void add_digests(struct image_index *index)
{
	uint64_t left = runs_total(&index->data);

	index->digests = calloc(left / IMAGE_DIGESTS + 1, sizeof(*index->digests));
	assert_non_null(index->digests);
	while (left) {
		uint64_t count = left < IMAGE_DIGESTS ? left : IMAGE_DIGESTS;

		index->digests[index->digests_count++] = (struct image_digests){
			.offset = IMAGE_DATA_START,
			.count = (uint32_t)count,
		};
		left -= count;
	}
}

static void save(struct model *model)
{
	struct runs free = { 0 };
	const struct save_job job = { .ram = &model->ram, .home = &model->home, .free = &free };
	struct slice_cursor cursor = { 0 };
	struct slice slice;
	struct error err;
	uint64_t slices;
	size_t limit;

	find_free(model, &free);
	limit = model->runs - free.n;
	assert_int_equal(selection_make(&job, &model->selection, &err), 0);
	slices = selection_slices(&model->selection);
	while (selection_next(&model->selection, &cursor, &slice))
		take_slice(model, &slice, budget_shortest(limit, model->index.zero.n, slices--));
	runs_free(&model->selection.save);
	model->index.machine = model->machine;
	model->index.ram = model->selection.ram;
	model->index.home = model->selection.home;
	model->index.free = model->selection.free;
	runs_free(&model->selection.mappable);
	runs_free(&model->selection.untouchable);
	add_digests(&model->index);
}

static void free_model(struct model *model)
{
	image_index_free(&model->index);
	runs_free(&model->ram);
	runs_free(&model->home);
}

/* The lists are within what there is for them, at the worst moments of a save. */
static void check_sizes(const struct model *model)
{
	const struct image_index *index = &model->index;
	uint64_t chunks = runs_total(&model->ram) / IMAGE_CHUNK_PAGES + model->workers;
	uint64_t given = chunks * BUDGET_CHUNK + model->runs * BUDGET_RUN;
	uint64_t run = sizeof(struct run), lists;

	assert_true(index->free.n + index->zero.n <= model->runs);
	assert_true(index->chunk_count <= chunks);
	/* The free ones, twice while the selection is made of them, and what is saved. */
	lists = 3 * index->free.n * run;
	assert_true(lists <= given);
	/* Sorting of the zero ones, beside all others. */
	lists = (index->free.n + 2 * index->zero.n + index->data.n) * run +
		index->chunk_count * sizeof(struct image_chunk);
	assert_true(lists <= given);
	/* Verification: the index, and the places of chunks, which are sorted. */
	lists = (index->free.n + index->zero.n + index->data.n) * run +
		index->chunk_count * (sizeof(struct image_chunk) + 2 * 16);
	assert_true(lists <= given);
	assert_true(given < model->available);
}

static int put(void *context, void *bytes, size_t size, uint64_t offset, struct error *err)
{
	const struct temp_disk *temp = context;

	return disk_write(&temp->disk, bytes, size, IMAGE_DATA_START + offset, err);
}

/* It is an index that can be written, and read, and restored. */
static void check_index(struct model *model)
{
	static const uint8_t uuid[16] = { 1 };
	struct image_index *index = &model->index;
	struct image_index_header header;
	struct temp_disk temp;
	struct error err;
	uint64_t xxh3;

	assert_int_equal(index_check_records(index, IMAGE_HIBERNATION, &err), 0);
	assert_int_equal(image_index_check(index, &err), 0);
	if (image_restorable(index, 512 * MIB, &err))
		fail_msg("%s", err.text);
	index_describe(index, uuid, &header);
	temp_disk_create(&temp, IMAGE_DATA_START + header.size);
	assert_int_equal(index_write(index, &header, put, &temp, &xxh3, &err), 0);
	temp_disk_remove(&temp);
}

static void try(const struct pattern *pattern, uint64_t gib, unsigned cpus, uint64_t *kept)
{
	struct model model;
	struct error err;

	make_model(&model, pattern, gib, cpus);
	if (make_budget(&model, &err))
		fail_msg("%s", err.text);
	save(&model);
	check_sizes(&model);
	check_index(&model);
	*kept = runs_total(&model.index.free) + runs_total(&model.index.zero);
	free_model(&model);
}

/* Nothing is lost where it is as it was seen. */
static void test_as_seen(void **state)
{
	static const uint64_t sizes[] = { 4, 64, 1024 };
	uint64_t kept;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t all = sizes[i] * GIB_FRAMES / period(&seen) * (seen.free + seen.zero);

		try(&seen, sizes[i], 2, &kept);
		/* But for the home, and a few at the ends. */
		assert_in_range(kept, all - 65536, all);
		try(&seen, sizes[i], 16, &kept);
		assert_in_range(kept, all - 65536, all);
	}
}

/* It can always be saved and restored. */
static void test_worst(void **state)
{
	static const uint64_t sizes[] = { 4, 64, 1024 };
	uint64_t kept;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		try(&worst, sizes[i], 2, &kept);
}

static void test_too_small_a_home(void **state)
{
	struct model model;
	struct error err;

	(void)state;
	make_model(&model, &seen, 1024, 2);
	model.available = 64 * MIB;
	assert_int_equal(make_budget(&model, &err), -ENOMEM);
	assert_non_null(strstr(err.text, "make 'home' larger"));
	model.available = 1024 * MIB;
	model.home.v[0].count = 16 * MIB / FRAME_SIZE;
	assert_int_equal(make_budget(&model, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "home of 16 MiB is too small to restore"));
	free_model(&model);
}

static void test_shortest(void **state)
{
	(void)state;
	assert_int_equal(budget_shortest(0, 1000000, 1), 1);
	assert_int_equal(budget_shortest(1000, 500, 1000000), 1);
	/* All that is left is dealt out: no slice can have more than its share. */
	for (size_t used = 501; used < 1100; used++)
		for (uint64_t slices = 1; slices < 300; slices += 7) {
			uint64_t shortest = budget_shortest(1000, used, slices);
			uint64_t most = (SLICE_FRAMES + 1) / (shortest + 1);

			if (used < 1000)
				assert_true(most * slices <= 1000 - used);
			else
				assert_true(most == 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_seen),
		cmocka_unit_test(test_worst),
		cmocka_unit_test(test_too_small_a_home),
		cmocka_unit_test(test_shortest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
