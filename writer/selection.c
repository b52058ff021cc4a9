/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which frames are saved: all of RAM but the home, whose content kernel A keeps elsewhere, and
 * what the caller knows to be free or untouchable.
 */
#include "writer/selection.h"

#include <errno.h>

/*
 * What of LIST lies in WITHIN and not in WITHOUT. LIST, which may be NULL and in any order, is
 * taken over: it may be the longest there is, so it is never there three times.
 */
static int take_part(struct runs *list, const struct runs *within, const struct runs *without,
		     struct runs *ret)
{
	struct runs inside = { 0 };
	int r;

	if (!list)
		return 0;
	runs_sort(list);
	r = runs_intersect(list, within, &inside);
	runs_free(list);
	if (!r)
		r = runs_subtract(&inside, without, ret);
	runs_free(&inside);
	return r;
}

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

int selection_make(const struct save_job *job, struct selection *selection, struct error *err)
{
	static const struct runs none;
	struct runs touchable = { 0 };
	int r;

	*selection = (struct selection){ 0 };
	if (!runs_valid(job->ram) || !job->ram->n)
		return error_set(err, EINVAL, "RAM map: empty, unsorted or overlapping");
	r = runs_add_all(&selection->ram, job->ram);
	if (!r)
		r = part_of(job->home, &selection->ram, &none, &selection->home);
	if (!r)
		r = runs_subtract(&selection->ram, &selection->home, &selection->mappable);
	if (!r)
		r = part_of(job->untouchable, &selection->mappable, &none, &selection->untouchable);
	if (!r)
		r = take_part(job->free, &selection->mappable, &selection->untouchable,
			      &selection->free);
	if (!r)
		r = runs_subtract(&selection->mappable, &selection->untouchable, &touchable);
	if (!r)
		r = runs_subtract(&touchable, &selection->free, &selection->save);
	runs_free(&touchable);
	return r ? error_set(err, -r, "RAM map: out of memory") : 0;
}

void selection_free(struct selection *selection)
{
	runs_free(&selection->ram);
	runs_free(&selection->home);
	runs_free(&selection->free);
	runs_free(&selection->untouchable);
	runs_free(&selection->mappable);
	runs_free(&selection->save);
}

bool selection_next(const struct selection *selection, struct slice_cursor *cursor,
		    struct slice *ret)
{
	while (cursor->range < selection->mappable.n) {
		const struct run *range = &selection->mappable.v[cursor->range];
		uint64_t pfn = range->pfn + cursor->done;
		uint64_t count = SLICE_FRAMES - pfn % SLICE_FRAMES;

		if (count > range->count - cursor->done)
			count = range->count - cursor->done;
		cursor->done += count;
		if (cursor->done == range->count) {
			cursor->range++;
			cursor->done = 0;
		}
		while (cursor->run < selection->save.n &&
		       selection->save.v[cursor->run].pfn + selection->save.v[cursor->run].count <=
			       pfn)
			cursor->run++;
		if (cursor->run == selection->save.n)
			return false;
		if (selection->save.v[cursor->run].pfn < pfn + count) {
			*ret = (struct slice){ pfn, pfn + count, cursor->run };
			return true;
		}
	}
	return false;
}

uint64_t selection_slices(const struct selection *selection)
{
	struct slice_cursor cursor = { 0 };
	struct slice slice;
	uint64_t count = 0;

	while (selection_next(selection, &cursor, &slice))
		count++;
	return count;
}
