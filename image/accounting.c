/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The accounting rule: each frame of RAM is in one list of an index, and nothing else is. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "image/internal.h"

/*
 * Frames of RAM that are accounted for at once, one bit each: 2 MiB for 64 GiB of RAM, whatever
 * holes are in it.
 */
#define WINDOW_FRAMES (UINT64_C(1) << 24)
/* All that Linux can use with four levels of page tables, 64 TiB. Each frame takes time. */
#define FRAMES_MAX (UINT64_C(1) << 34)
/*
 * The list of data is in no order, so each of its runs is looked at once a window. Where that were
 * more often than this the windows are larger, and their bits take a quarter of the list at most.
 */
#define LOOKS_MAX (UINT64_C(1) << 29)

struct window {
	const struct runs *ram;
	uint64_t *before;	/* frames of RAM in front of each of its ranges */
	size_t range;		/* of RAM, used last */
	uint64_t pfn, end;	/* of the window: all of RAM in [pfn, end), */
	uint64_t first;		/* the first of it by its number in RAM */
	uint64_t *bits;		/* set: the frame is in one of the lists */
	uint64_t frames;	/* that there are bits for */
	uint64_t listed, twice; /* frames in the lists, and in two of them, of all windows so far */
};

/* COUNT bits of a word, from bit FIRST on; they must fit. */
static uint64_t mask(unsigned first, uint64_t count)
{
	return (count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1) << first;
}

/* What of the run lies in [PFN, END); COUNT 0 if nothing does. */
static struct run clip(struct run run, uint64_t pfn, uint64_t end)
{
	uint64_t from = run.pfn > pfn ? run.pfn : pfn;
	uint64_t to = safe_min(run.pfn + run.count, end);

	return (struct run){ from, from < to ? to - from : 0 };
}

/* The first range of RAM that ends behind PFN: most often the one of the run before. */
static size_t find_range(struct window *window, uint64_t pfn)
{
	const struct run *v = window->ram->v, *last = &v[window->range];
	size_t low = 0, high = window->ram->n;

	if (pfn >= last->pfn && pfn - last->pfn < last->count)
		return window->range;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v[middle].pfn + v[middle].count <= pfn)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < window->ram->n)
		window->range = low;
	return low;
}

/* COUNT frames from bit AT on. */
static void set_bits(struct window *window, uint64_t at, uint64_t count)
{
	for (uint64_t n; count; at += n, count -= n) {
		uint64_t *word = &window->bits[at / 64];
		uint64_t bits;

		n = safe_min(count, 64 - at % 64);
		bits = mask(at % 64, n);
		window->twice += (uint64_t)__builtin_popcountll(*word & bits);
		window->listed += n;
		*word |= bits;
	}
}

/* What of it is RAM, within the window. */
static void add_run(struct window *window, struct run run)
{
	const struct runs *ram = window->ram;
	struct run part = clip(run, window->pfn, window->end);

	if (!part.count)
		return;
	for (size_t i = find_range(window, part.pfn);
	     i < ram->n && ram->v[i].pfn < part.pfn + part.count; i++) {
		const struct run *range = &ram->v[i];
		struct run here = clip(part, range->pfn, range->pfn + range->count);

		set_bits(window, window->before[i] + here.pfn - range->pfn - window->first,
			 here.count);
	}
}

/* Of a sorted list, from its run *NEXT on, which is the first that ends behind the last window. */
static void add_sorted(struct window *window, const struct runs *list, size_t *next)
{
	while (*next < list->n && list->v[*next].pfn + list->v[*next].count <= window->pfn)
		++*next;
	for (size_t i = *next; i < list->n && list->v[i].pfn < window->end; i++)
		add_run(window, list->v[i]);
}

/* The window from RAM's frame FIRST on, of all that it has. */
static void open_window(struct window *window, uint64_t first, uint64_t total)
{
	uint64_t count = safe_min(window->frames, total - first);
	uint64_t last = first + count - 1;
	size_t i = find_range(window, window->end);

	window->pfn = window->end > window->ram->v[i].pfn ? window->end : window->ram->v[i].pfn;
	window->first = first;
	while (i + 1 < window->ram->n && window->before[i + 1] <= last)
		i++;
	window->end = window->ram->v[i].pfn + (last - window->before[i]) + 1;
	memset(window->bits, 0, (count + 63) / 64 * sizeof(*window->bits));
}

static void add_windows(struct window *window, const struct image_index *index, uint64_t total)
{
	const struct runs *sorted[] = { &index->zero, &index->free, &index->untouchable,
					&index->home };
	size_t next[sizeof(sorted) / sizeof(sorted[0])] = { 0 };

	for (uint64_t first = 0; first < total; first += window->frames) {
		open_window(window, first, total);
		for (size_t i = 0; i < sizeof(sorted) / sizeof(sorted[0]); i++)
			add_sorted(window, sorted[i], &next[i]);
		for (size_t i = 0; i < index->data.n; i++)
			add_run(window, index->data.v[i]);
	}
}

static int check_totals(const struct image_index *index, uint64_t ram, struct error *err)
{
	const struct runs *lists[] = { &index->data, &index->zero, &index->free,
				       &index->untouchable, &index->home };
	uint64_t total = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!safe_add(total, runs_total(lists[i]), &total))
			return error_set(err, EUCLEAN, "page lists exceed any machine");
	if (total != ram)
		return error_set(err, EUCLEAN,
				 "%" PRIu64 " pages are accounted for, RAM has %" PRIu64, total,
				 ram);
	return ram > FRAMES_MAX ? error_set(err, EUCLEAN, "more RAM than any machine has") : 0;
}

/* The memory for it: all but the bits is little, as RAM is in few pieces. */
static int begin_windows(struct window *window, const struct image_index *index, uint64_t ram)
{
	uint64_t before = 0;

	window->ram = &index->ram;
	window->frames = WINDOW_FRAMES;
	while (ram / window->frames > LOOKS_MAX / (index->data.n + 1))
		window->frames *= 2;
	window->bits = malloc((safe_min(window->frames, ram) + 63) / 64 * sizeof(*window->bits));
	window->before = malloc(index->ram.n * sizeof(*window->before));
	for (size_t i = 0; i < index->ram.n && window->before; i++) {
		window->before[i] = before;
		before += index->ram.v[i].count;
	}
	return window->bits && window->before ? 0 : -ENOMEM;
}

/*
 * A bit for each frame of RAM, in windows, so that it takes the same memory however many runs there
 * are. When as many frames are listed as RAM has, all of them RAM's and none twice, then each of
 * RAM's is there once. All lists but the data's must be sorted.
 */
int image_index_check(const struct image_index *index, struct error *err)
{
	const uint64_t ram = runs_total(&index->ram);
	struct window window = { .end = 0 };
	int code;

	if (!runs_valid(&index->ram))
		return error_set(err, EUCLEAN, "the RAM list is not sorted");
	code = check_totals(index, ram, err);
	if (code || !ram)
		return code;
	if (begin_windows(&window, index, ram))
		code = error_set(err, ENOMEM, "no memory to add up the page lists");
	else
		add_windows(&window, index, ram);
	free(window.bits);
	free(window.before);
	if (!code && window.twice)
		code = error_set(err, EUCLEAN, "%" PRIu64 " pages are listed twice", window.twice);
	if (!code && window.listed != ram)
		code = error_set(err, EUCLEAN, "pages are listed that are not RAM");
	return code;
}
