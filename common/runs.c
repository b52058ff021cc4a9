/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of runs of page frames. */
#include "common/runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/safe.h"

/* Physical addresses have at most 52 bits on x86_64, PFNs 40; 2^52 leaves room for any check. */
#define PFN_LIMIT (1ULL << 52)

void runs_free(struct runs *runs)
{
	free(runs->v);
	memset(runs, 0, sizeof(*runs));
}

static int make_room(struct runs *runs)
{
	size_t capacity = runs->capacity ? runs->capacity * 2 : 64;
	struct run *v;

	if (runs->n < runs->capacity)
		return 0;
	v = reallocarray(runs->v, capacity, sizeof(*v));
	if (!v)
		return -ENOMEM;
	runs->v = v;
	runs->capacity = capacity;
	return 0;
}

int runs_append(struct runs *runs, uint64_t pfn, uint64_t count)
{
	int ret;

	if (!safe_within(pfn, count, PFN_LIMIT))
		return -EOVERFLOW;
	if (!count)
		return 0;
	ret = make_room(runs);
	if (ret)
		return ret;
	runs->v[runs->n++] = (struct run){ .pfn = pfn, .count = count };
	return 0;
}

int runs_add(struct runs *runs, uint64_t pfn, uint64_t count)
{
	struct run *last = runs->n ? &runs->v[runs->n - 1] : NULL;

	if (last && last->pfn + last->count == pfn && safe_within(pfn, count, PFN_LIMIT)) {
		last->count += count;
		return 0;
	}
	return runs_append(runs, pfn, count);
}

int runs_add_all(struct runs *runs, const struct runs *other)
{
	int ret = 0;

	for (size_t i = 0; i < other->n && !ret; i++)
		ret = runs_add(runs, other->v[i].pfn, other->v[i].count);
	return ret;
}

static int compare(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return (x->pfn > y->pfn) - (x->pfn < y->pfn);
}

void runs_sort(struct runs *runs)
{
	struct run *last = runs->v;

	if (runs->n < 2)
		return;
	qsort(runs->v, runs->n, sizeof(*runs->v), compare);
	for (size_t i = 1; i < runs->n; i++) {
		struct run *run = &runs->v[i];
		uint64_t end = run->pfn + run->count;

		if (run->pfn > last->pfn + last->count)
			*++last = *run;
		else if (end > last->pfn + last->count)
			last->count = end - last->pfn;
	}
	runs->n = last - runs->v + 1;
}

uint64_t runs_total(const struct runs *runs)
{
	uint64_t total = 0;

	for (size_t i = 0; i < runs->n; i++)
		if (!safe_add(total, runs->v[i].count, &total))
			return UINT64_MAX;
	return total;
}

bool runs_valid(const struct runs *runs)
{
	uint64_t end = 0;

	for (size_t i = 0; i < runs->n; i++) {
		const struct run *run = &runs->v[i];

		if (!run->count || run->pfn < end || !safe_within(run->pfn, run->count, PFN_LIMIT))
			return false;
		end = run->pfn + run->count;
	}
	return true;
}

int runs_subtract(const struct runs *a, const struct runs *b, struct runs *ret)
{
	size_t j = 0;
	int error;

	for (size_t i = 0; i < a->n; i++) {
		uint64_t pfn = a->v[i].pfn;
		uint64_t end = pfn + a->v[i].count;

		while (j < b->n && b->v[j].pfn + b->v[j].count <= pfn)
			j++;
		/* A run of B may reach into the next run of A: j stays at it. */
		for (size_t k = j; k < b->n && b->v[k].pfn < end && pfn < end; k++) {
			if (b->v[k].pfn > pfn) {
				error = runs_add(ret, pfn, b->v[k].pfn - pfn);
				if (error)
					return error;
			}
			pfn = b->v[k].pfn + b->v[k].count;
			j = k;
		}
		if (pfn < end) {
			error = runs_add(ret, pfn, end - pfn);
			if (error)
				return error;
		}
	}
	return 0;
}

int runs_intersect(const struct runs *a, const struct runs *b, struct runs *ret)
{
	size_t i = 0, j = 0;

	while (i < a->n && j < b->n) {
		uint64_t a_end = a->v[i].pfn + a->v[i].count;
		uint64_t b_end = b->v[j].pfn + b->v[j].count;
		uint64_t start = a->v[i].pfn > b->v[j].pfn ? a->v[i].pfn : b->v[j].pfn;
		uint64_t end = a_end < b_end ? a_end : b_end;
		int error = start < end ? runs_add(ret, start, end - start) : 0;

		if (error)
			return error;
		if (a_end <= b_end)
			i++;
		else
			j++;
	}
	return 0;
}

bool runs_contain(const struct runs *runs, uint64_t pfn)
{
	size_t low = 0, high = runs->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct run *run = &runs->v[middle];

		if (pfn < run->pfn)
			high = middle;
		else if (pfn - run->pfn >= run->count)
			low = middle + 1;
		else
			return true;
	}
	return false;
}
