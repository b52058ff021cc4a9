/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which frames are saved: all of RAM but the home, whose content kernel A keeps elsewhere, and
 * what the caller knows to be free or untouchable.
 */
#include "writer/plan.h"

#include <errno.h>

/* Append to RET what of A lies in WITHIN and not in WITHOUT. A may be NULL and in any order. */
static int part_of(const struct runs *a, const struct runs *within, const struct runs *without,
		   struct runs *ret)
{
	struct runs sorted = { 0 }, inside = { 0 };
	int r = 0;

	if (!a)
		return 0;
	r = runs_add_all(&sorted, a);
	if (r)
		goto out;
	runs_sort(&sorted);
	r = runs_intersect(&sorted, within, &inside);
	if (!r)
		r = runs_subtract(&inside, without, ret);
out:
	runs_free(&sorted);
	runs_free(&inside);
	return r;
}

int save_plan_make(const struct save_job *job, struct save_plan *plan, struct error *err)
{
	static const struct runs none;
	struct runs touchable = { 0 };
	int r;

	*plan = (struct save_plan){ 0 };
	if (!runs_valid(job->ram) || !job->ram->n)
		return error_set(err, EINVAL, "RAM map: empty, unsorted or overlapping");
	r = runs_add_all(&plan->ram, job->ram);
	if (!r)
		r = part_of(job->home, &plan->ram, &none, &plan->home);
	if (!r)
		r = runs_subtract(&plan->ram, &plan->home, &plan->mappable);
	if (!r)
		r = part_of(job->untouchable, &plan->mappable, &none, &plan->untouchable);
	if (!r)
		r = part_of(job->free, &plan->mappable, &plan->untouchable, &plan->free);
	if (!r)
		r = runs_subtract(&plan->mappable, &plan->untouchable, &touchable);
	if (!r)
		r = runs_subtract(&touchable, &plan->free, &plan->save);
	runs_free(&touchable);
	return r ? error_set(err, -r, "RAM map: out of memory") : 0;
}

void save_plan_free(struct save_plan *plan)
{
	runs_free(&plan->ram);
	runs_free(&plan->home);
	runs_free(&plan->free);
	runs_free(&plan->untouchable);
	runs_free(&plan->mappable);
	runs_free(&plan->save);
}

bool save_plan_next(const struct save_plan *plan, struct slice_cursor *cursor, struct slice *ret)
{
	while (cursor->range < plan->mappable.n) {
		const struct run *range = &plan->mappable.v[cursor->range];
		uint64_t pfn = range->pfn + cursor->done;
		uint64_t count = SLICE_FRAMES - pfn % SLICE_FRAMES;

		if (count > range->count - cursor->done)
			count = range->count - cursor->done;
		cursor->done += count;
		if (cursor->done == range->count) {
			cursor->range++;
			cursor->done = 0;
		}
		while (cursor->run < plan->save.n &&
		       plan->save.v[cursor->run].pfn + plan->save.v[cursor->run].count <= pfn)
			cursor->run++;
		if (cursor->run == plan->save.n)
			return false;
		if (plan->save.v[cursor->run].pfn < pfn + count) {
			*ret = (struct slice){ pfn, pfn + count, cursor->run };
			return true;
		}
	}
	return false;
}
