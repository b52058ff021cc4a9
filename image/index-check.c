/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules that an index obeys, whoever made it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "disk/devices.h"
#include "image/codec.h"
#include "image/internal.h"

static int damaged(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "index damaged: %s", what);
}

/* --- the accounting rule --- */

/* Frames that are accounted for at once, one bit each: 2 MiB for 64 GiB of RAM. */
#define WINDOW_FRAMES (UINT64_C(1) << 24)
#define WINDOWS_MAX   4096 /* with RAM in them; more than any machine has */

struct window {
	uint64_t pfn, end; /* frames [pfn, end) */
	uint64_t *bits;	   /* set: the frame is in one of the lists */
	uint64_t twice;	   /* frames that are in two of them, of all windows so far */
};

/* COUNT bits of a word, from bit FIRST on; they must fit. */
static uint64_t mask(unsigned first, uint64_t count)
{
	return (count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1) << first;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What of the run lies in the window; COUNT 0 if nothing does. */
static struct run clip(const struct window *window, struct run run)
{
	uint64_t end = run.pfn + run.count;
	uint64_t from = run.pfn > window->pfn ? run.pfn : window->pfn;
	uint64_t to = end < window->end ? end : window->end;

	return (struct run){ from, from < to ? to - from : 0 };
}

static void add_list(struct window *window, const struct runs *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct run part = clip(window, list->v[i]);
		uint64_t at = part.pfn - window->pfn;

		for (uint64_t n; part.count; at += n, part.count -= n) {
			uint64_t *word = &window->bits[at / 64];
			uint64_t bits;

			n = min_u64(part.count, 64 - at % 64);
			bits = mask(at % 64, n);
			window->twice += (uint64_t)__builtin_popcountll(*word & bits);
			*word |= bits;
		}
	}
}

/* How many frames of RAM within the window are in no list. */
static uint64_t count_missing(const struct window *window, const struct runs *ram)
{
	uint64_t missing = 0;

	for (size_t i = 0; i < ram->n; i++) {
		struct run part = clip(window, ram->v[i]);
		uint64_t at = part.pfn - window->pfn;

		for (uint64_t n; part.count; at += n, part.count -= n) {
			n = min_u64(part.count, 64 - at % 64);
			missing += (uint64_t)__builtin_popcountll(~window->bits[at / 64] &
								  mask(at % 64, n));
		}
	}
	return missing;
}

/* The next window that has RAM in it; false behind the last one. */
static bool next_window(struct window *window, const struct runs *ram)
{
	const struct run *run, *last;
	size_t i = 0;

	while (i < ram->n && ram->v[i].pfn + ram->v[i].count <= window->end)
		i++;
	if (i == ram->n)
		return false;
	run = &ram->v[i];
	last = &ram->v[ram->n - 1];
	window->pfn = run->pfn > window->end ? run->pfn : window->end;
	window->end = min_u64(window->pfn + WINDOW_FRAMES, last->pfn + last->count);
	memset(window->bits, 0, (window->end - window->pfn + 63) / 64 * sizeof(*window->bits));
	return true;
}

static int add_totals(const struct runs *const *lists, size_t count, uint64_t *ret,
		      struct error *err)
{
	*ret = 0;
	for (size_t i = 0; i < count; i++)
		if (!safe_add(*ret, runs_total(lists[i]), ret))
			return error_set(err, EUCLEAN, "page lists exceed any machine");
	return 0;
}

/*
 * A bit for each frame of RAM, in windows, so that it takes the same memory however many runs there
 * are. When as many frames are listed as RAM has and none of RAM's is missing, then each is there
 * once, and nothing else is.
 */
int image_index_check(const struct image_index *index, struct error *err)
{
	const struct runs *lists[] = { &index->data, &index->zero, &index->free,
				       &index->untouchable, &index->home };
	const size_t count = sizeof(lists) / sizeof(lists[0]);
	const uint64_t ram = runs_total(&index->ram);
	struct window window = { .end = 0 };
	uint64_t total, missing = 0;
	int windows = 0, code;

	if (!runs_valid(&index->ram))
		return error_set(err, EUCLEAN, "the RAM list is not sorted");
	code = add_totals(lists, count, &total, err);
	if (code)
		return code;
	/* Each of the frames that are listed takes time. */
	if (ram > WINDOWS_MAX * WINDOW_FRAMES || total > WINDOWS_MAX * WINDOW_FRAMES)
		return error_set(err, EUCLEAN, "more RAM than any machine has");
	window.bits = malloc(WINDOW_FRAMES / 8);
	if (!window.bits)
		return error_set(err, ENOMEM, "no memory to add up the page lists");
	while (next_window(&window, &index->ram) && windows++ < WINDOWS_MAX) {
		for (size_t i = 0; i < count; i++)
			add_list(&window, lists[i]);
		missing += count_missing(&window, &index->ram);
	}
	free(window.bits);
	if (windows > WINDOWS_MAX)
		return error_set(err, EUCLEAN, "RAM is scattered over more than any machine has");
	if (window.twice)
		return error_set(err, EUCLEAN, "%" PRIu64 " pages are listed twice", window.twice);
	if (total != ram)
		return error_set(err, EUCLEAN,
				 "%" PRIu64 " pages are accounted for, RAM has %" PRIu64, total,
				 ram);
	return missing ? error_set(err, EUCLEAN, "pages are listed that are not RAM") : 0;
}

/* --- records --- */

static int check_machine(const struct image_machine *machine, uint32_t kind, struct error *err)
{
	if (machine->reserved0 || !safe_is_zero(machine->reserved1, sizeof(machine->reserved1)))
		return damaged(err, "machine: reserved bytes are not zero");
	if (!safe_is_text(machine->cpu_vendor, sizeof(machine->cpu_vendor)) ||
	    !safe_is_text(machine->release, sizeof(machine->release)) ||
	    !safe_is_text(machine->build, sizeof(machine->build)))
		return damaged(err, "machine: text without an end");
	if (machine->fill > FILL_POISON)
		return damaged(err, "machine: unknown fill policy");
	if (kind != IMAGE_CORE && !machine->entry)
		return damaged(err, "machine: no entry address");
	return 0;
}

/* As many pages are used as it says, all of them pages of the chunk. */
static int check_used(const struct image_chunk *chunk, struct error *err)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < IMAGE_CHUNK_PAGES / 64; i++) {
		unsigned from = i * 64;
		unsigned here = chunk->all_pages <= from       ? 0
				: chunk->all_pages - from < 64 ? chunk->all_pages - from
							       : 64;

		if (here < 64 && chunk->used[i] >> here)
			return damaged(err, "a page that the chunk has not");
		pages += (uint64_t)__builtin_popcountll(chunk->used[i]);
	}
	return pages == chunk->pages ? 0 : damaged(err, "other pages than it says");
}

/* Which key, and what of the record a plain image leaves empty. */
static int check_key(bool sealed, size_t keys, uint32_t key, uint64_t rest, uint64_t number,
		     struct error *err)
{
	if (!sealed && (rest || key || number))
		return damaged(err, "reserved bytes are not zero");
	return key <= keys ? 0 : damaged(err, "a key that is not there");
}

int index_check_chunk(const struct image_chunk *chunk, const struct run *runs, bool sealed,
		      size_t keys, struct error *err)
{
	uint64_t size = (uint64_t)chunk->all_pages * FRAME_SIZE;
	uint64_t pages = 0;

	if (!chunk->pages || chunk->pages > chunk->all_pages ||
	    chunk->all_pages > IMAGE_CHUNK_PAGES)
		return damaged(err, "impossible number of pages");
	if (!codec_find(chunk->codec))
		return damaged(err, "unknown codec");
	if (!chunk->stored || chunk->stored > size ||
	    (chunk->codec == CODEC_STORED) != (chunk->stored == size))
		return damaged(err, "impossible size");
	if (check_key(sealed, keys, chunk->key, chunk->stored_rest, chunk->number, err))
		return -err->code;
	for (uint32_t i = 0; i < chunk->run_count; i++)
		if (!runs[i].count || !safe_add(pages, runs[i].count, &pages))
			return damaged(err, "wrong runs");
	if (pages != chunk->pages)
		return damaged(err, "runs and pages disagree");
	return check_used(chunk, err);
}

static int check_chunk(const struct image_index *index, const struct image_chunk *chunk,
		       uint64_t first_run, struct error *err)
{
	if (chunk->first_run != first_run || !chunk->run_count ||
	    !safe_within(first_run, chunk->run_count, index->data.n))
		return damaged(err, "wrong runs");
	return index_check_chunk(chunk, &index->data.v[first_run], index->key.algorithm,
				 index->key_count, err);
}

static int check_chunks(const struct image_index *index, struct error *err)
{
	uint64_t first_run = 0;

	for (size_t i = 0; i < index->chunk_count; i++) {
		int code = check_chunk(index, &index->chunks[i], first_run, err);

		if (code)
			return error_prefix(err, "chunk %zu", i);
		first_run += index->chunks[i].run_count;
	}
	return first_run == index->data.n ? 0 : damaged(err, "runs that belong to no chunk");
}

/* A digest for each data page, whoever will want to compare it. */
static int check_digests(const struct image_index *index, struct error *err)
{
	uint64_t count = 0;

	for (size_t i = 0; i < index->digests_count; i++) {
		const struct image_digests *digests = &index->digests[i];

		if (!digests->count || digests->count > IMAGE_DIGESTS)
			return damaged(err, "impossible number of digests");
		if (check_key(index->key.algorithm, 0, digests->key, digests->rest, digests->number,
			      err))
			return error_prefix(err, "digests %zu", i);
		count += digests->count;
	}
	return count == runs_total(&index->data) ? 0 : damaged(err, "digests and pages disagree");
}

static int check_keys(const struct image_index *index, struct error *err)
{
	for (size_t i = 0; i < index->key_count; i++) {
		const struct image_key *key = &index->keys[i];

		if (key->reserved)
			return damaged(err, "keys: reserved bytes are not zero");
		if (aead_check(key->algorithm, err))
			return -err->code;
	}
	return 0;
}

int index_check_records(const struct image_index *index, uint32_t kind, struct error *err)
{
	const struct runs *sorted[] = { &index->ram, &index->home, &index->zero, &index->free,
					&index->untouchable };
	int code = check_machine(&index->machine, kind, err);

	for (size_t i = 0; i < sizeof(sorted) / sizeof(sorted[0]) && !code; i++)
		if (!runs_valid(sorted[i]))
			code = damaged(err, "a page list is not sorted");
	if (!code)
		code = check_keys(index, err);
	if (!code)
		code = check_chunks(index, err);
	if (!code)
		code = check_digests(index, err);
	for (size_t i = 0; i < index->firmware_count && !code; i++)
		if (index->firmware[i].reserved)
			code = damaged(err, "firmware map: reserved bytes are not zero");
	for (size_t i = 0; i < index->watch_count && !code; i++)
		if (!safe_is_text(index->watch[i].extent.tag, sizeof(index->watch[i].extent.tag)))
			code = damaged(err, "fingerprint: text without an end");
	for (size_t i = 0; i < index->pci_count && !code; i++)
		if (!devices_pci_valid(&index->pci[i]))
			code = damaged(err, "impossible PCI device");
	for (size_t i = 0; i < index->disk_count && !code; i++)
		if (!devices_disk_valid(&index->disks[i]))
			code = damaged(err, "impossible disk");
	for (size_t i = 0; i < index->efi_count && !code; i++)
		if (index->efi[i].reserved)
			code = damaged(err, "EFI runtime map: reserved bytes are not zero");
	return code;
}
