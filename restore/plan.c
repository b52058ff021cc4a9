/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In-place and staging plan, and the payload's lists. */
#include "restore/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/restorable.h"

#define POISON_BYTE 0xaa

void plan_free(struct plan *plan)
{
	free(plan->chunks);
	free(plan->runs);
	free(plan->clears);
	memset(plan, 0, sizeof(*plan));
}

/* --- sets of frames ------------------------------------------------------------------------- */

/* Index of the first run of a sorted list that ends behind PFN. */
static size_t find_run(const struct runs *list, uint64_t pfn)
{
	size_t low = 0, high = list->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->v[middle].pfn + list->v[middle].count <= pfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t plan_covered(const struct runs *list, struct run run)
{
	uint64_t end = run.pfn + run.count, sum = 0;

	for (size_t i = find_run(list, run.pfn); i < list->n && list->v[i].pfn < end; i++) {
		uint64_t from = list->v[i].pfn, to = from + list->v[i].count;

		sum += (to < end ? to : end) - (from > run.pfn ? from : run.pfn);
	}
	return sum;
}

/* From 64 KiB to 512 KiB: arch/x86/kernel/setup.c and ebda.c have stories of what lies around it.
 */
#define WAKE_FIRST 0x10
#define WAKE_END   0x80
#define LOW_END	   0x100

uint64_t plan_wake_pfn(const struct image_index *index)
{
	uint64_t segment = index->machine.home_start >> FRAME_SHIFT;

	for (uint64_t pfn = WAKE_FIRST; pfn < WAKE_END && pfn < segment; pfn++)
		if (runs_contain(&index->home, pfn) && runs_contain(&index->ram, pfn))
			return pfn;
	return 0;
}

int plan_spare(const struct image_index *index, struct run segment, struct runs *ret,
	       struct error *err)
{
	const struct runs *const kinds[] = { &index->zero, &index->free, &index->home };
	struct runs all = { 0 }, taboo = { 0 };
	int rc = 0;

	ret->n = 0;
	for (size_t i = 0; !rc && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		rc = runs_add_all(&all, kinds[i]);
	if (!rc)
		rc = runs_add(&taboo, segment.pfn, segment.count);
	if (!rc && plan_wake_pfn(index))
		rc = runs_add(&taboo, plan_wake_pfn(index), 1);
	if (!rc && index->machine.mailbox_pfn)
		rc = runs_add(&taboo, index->machine.mailbox_pfn, MAILBOX_SIZE / FRAME_SIZE);
	if (!rc) {
		runs_sort(&all);
		runs_sort(&taboo);
		rc = runs_subtract(&all, &taboo, ret);
	}
	if (rc)
		error_set(err, -rc, "list of staging frames: %s", strerror(-rc));
	runs_free(&all);
	runs_free(&taboo);
	return rc;
}

uint64_t plan_missing(const struct runs *data, const struct runs *spare, const struct runs *own)
{
	uint64_t wanted = runs_total(data), found = 0;

	for (size_t i = 0; i < own->n; i++)
		found += plan_covered(data, own->v[i]) + plan_covered(spare, own->v[i]);
	return found < wanted ? wanted - found : 0;
}

/* --- runs ----------------------------------------------------------------------------------- */

/* Walks the frames that are owned and may stage. */
struct spares {
	struct runs list;
	size_t at;
	uint64_t used; /* frames of list.v[at] */
};

/* Append to the runs of the chunk that begin at FIRST. */
static int add_run(struct plan *plan, size_t first, uint64_t source, uint64_t target,
		   uint64_t count)
{
	struct payload_run *last =
		plan->run_count > first ? &plan->runs[plan->run_count - 1] : NULL;

	if (last && last->source + last->count == source && last->target + last->count == target) {
		last->count += count;
		return 0;
	}
	if (plan->run_count == plan->run_capacity) {
		size_t capacity = plan->run_capacity ? plan->run_capacity * 2 : 1024;
		struct payload_run *runs =
			reallocarray(plan->runs, capacity, sizeof(plan->runs[0]));

		if (!runs)
			return -ENOMEM;
		plan->runs = runs;
		plan->run_capacity = capacity;
	}
	plan->runs[plan->run_count++] =
		(struct payload_run){ .source = source, .target = target, .count = count };
	return 0;
}

/* Stage COUNT pages for the frames from TARGET on. */
static int add_staged(struct plan *plan, size_t first, struct spares *spares, uint64_t target,
		      uint64_t count)
{
	while (count) {
		const struct run *run;
		uint64_t n;
		int rc;

		if (spares->at == spares->list.n)
			return -ENOMEM;
		run = &spares->list.v[spares->at];
		n = run->count - spares->used;
		if (n > count)
			n = count;
		rc = add_run(plan, first, run->pfn + spares->used, target, n);
		if (rc)
			return rc;
		plan->copied += n;
		target += n;
		count -= n;
		spares->used += n;
		if (spares->used == run->count) {
			spares->at++;
			spares->used = 0;
		}
	}
	return 0;
}

/* Place one run of a chunk: split it into what is owned and what is not. */
static int add_data(struct plan *plan, size_t first, const struct runs *own, struct spares *spares,
		    struct run data)
{
	uint64_t pfn = data.pfn, end = data.pfn + data.count;
	size_t i = find_run(own, pfn);
	int rc = 0;

	while (!rc && pfn < end) {
		uint64_t from = i < own->n && own->v[i].pfn < end ? own->v[i].pfn : end;
		uint64_t to = from < end ? from + own->v[i].count : end;

		if (to > end)
			to = end;
		if (pfn < from) {
			rc = add_staged(plan, first, spares, pfn, from - pfn);
			pfn = from;
			continue;
		}
		rc = add_run(plan, first, pfn, pfn, to - pfn);
		plan->in_place += to - pfn;
		pfn = to;
		i++;
	}
	return rc;
}

static int make_runs(const struct image_index *index, const struct runs *own, struct spares *spares,
		     struct plan *plan)
{
	for (size_t i = 0; i < index->chunk_count; i++) {
		const struct image_chunk *chunk = &index->chunks[i];
		size_t first = plan->run_count;

		for (uint32_t k = 0; k < chunk->run_count; k++) {
			int rc = add_data(plan, first, own, spares,
					  index->data.v[chunk->first_run + k]);

			if (rc)
				return rc;
		}
		plan->chunks[i] = (struct payload_chunk){
			.hash = chunk->page_hash,
			.first_run = first,
			.run_count = (uint32_t)(plan->run_count - first),
		};
	}
	plan->chunk_count = index->chunk_count;
	return 0;
}

/* --- clears --------------------------------------------------------------------------------- */

/*
 * What kernel C leaves in the home goes where A kept the home's content, and so becomes pages of
 * A's: the frames of SPARE there, but for those that no kernel allocates (WAKE_FIRST) and firmware
 * may look at.
 */
static int home_clears(const struct image_index *index, const struct runs *spare, struct runs *ret)
{
	struct run firmwares[] = { { 0, WAKE_FIRST }, { WAKE_END, LOW_END - WAKE_END } };
	const struct runs firmware = { .v = firmwares, .n = 2 };
	struct runs own = { 0 };
	int rc = runs_intersect(&index->home, spare, &own);

	if (!rc)
		rc = runs_subtract(&own, &firmware, ret);
	runs_free(&own);
	return rc;
}

static void add_clears(struct plan *plan, const struct runs *frames, uint64_t byte)
{
	const struct payload_clear *last =
		plan->clear_count ? &plan->clears[plan->clear_count - 1] : NULL;
	uint64_t before = last ? last->before + last->count : 0;

	for (size_t i = 0; i < frames->n; i++) {
		plan->clears[plan->clear_count++] =
			(struct payload_clear){ .pfn = frames->v[i].pfn,
						.count = frames->v[i].count,
						.before = before,
						.byte = byte };
		before += frames->v[i].count;
	}
}

/* After copying: staged pages may lie in what is cleared. */
static int make_clears(const struct image_index *index, const struct runs *spare, struct plan *plan)
{
	struct runs home = { 0 };
	int rc;

	add_clears(plan, &index->zero, 0);
	if (!image_clears_free(&index->machine))
		return 0;
	add_clears(plan, &index->free, index->machine.fill == FILL_POISON ? POISON_BYTE : 0);
	rc = home_clears(index, spare, &home);
	if (!rc)
		add_clears(plan, &home, 0);
	runs_free(&home);
	return rc;
}

static int allocate(const struct image_index *index, struct plan *plan)
{
	/* One more than needed, so that an empty list is no NULL. */
	plan->chunks = calloc(index->chunk_count + 1, sizeof(plan->chunks[0]));
	plan->clears = calloc(image_clears_max(index) + 1, sizeof(plan->clears[0]));
	return plan->chunks && plan->clears ? 0 : -ENOMEM;
}

int plan_make(const struct image_index *index, const struct runs *own, const struct runs *spare,
	      struct plan *ret, struct error *err)
{
	struct spares spares = { 0 };
	int rc;

	plan_free(ret);
	rc = allocate(index, ret);
	if (!rc)
		rc = runs_intersect(own, spare, &spares.list);
	if (rc) {
		error_set(err, -rc, "restore plan: %s", strerror(-rc));
		goto out;
	}
	rc = make_runs(index, own, &spares, ret);
	if (rc) {
		error_set(err, -rc, "not enough memory to stage the image");
		goto out;
	}
	rc = make_clears(index, spare, ret);
	if (rc)
		error_set(err, -rc, "list of frames to clear: %s", strerror(-rc));
out:
	if (rc)
		plan_free(ret);
	runs_free(&spares.list);
	return rc;
}
