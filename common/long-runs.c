/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list is full: a quarter of it makes room, runs below the shortest length that is taken; and
 * where there are no such runs, that length doubles. So a list of runs that are all alike keeps
 * those that came first.
 */
#include "common/long-runs.h"

/* Take out up to COUNT runs that are too short; returns how many there were. */
static size_t drop(struct long_runs *runs, size_t count)
{
	struct runs *list = &runs->list;
	size_t kept = 0, n = list->n;

	for (size_t i = 0; i < n; i++) {
		if (list->v[i].count < runs->shortest && i - kept < count)
			continue;
		list->v[kept++] = list->v[i];
	}
	list->n = kept;
	return n - kept;
}

static void make_room(struct long_runs *runs)
{
	while (!drop(runs, runs->limit / 4))
		runs->shortest = runs->shortest ? 2 * runs->shortest : 2;
}

/* Whether the last run is long enough is known only when it is whole. */
static void drop_last_if_short(struct long_runs *runs)
{
	struct runs *list = &runs->list;

	if (list->n && list->v[list->n - 1].count < runs->shortest)
		list->n--;
}

int long_runs_add(struct long_runs *runs, uint64_t pfn, uint64_t count)
{
	struct runs *list = &runs->list;
	struct run *last = list->n ? &list->v[list->n - 1] : NULL;

	if (!runs->limit || (last && last->pfn + last->count == pfn))
		return runs_add(list, pfn, count);
	drop_last_if_short(runs);
	if (list->n >= runs->limit)
		make_room(runs);
	return runs_add(list, pfn, count);
}

void long_runs_end(struct long_runs *runs)
{
	if (runs->limit)
		drop_last_if_short(runs);
}
