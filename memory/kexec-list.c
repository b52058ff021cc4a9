/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux: struct kimage (include/linux/kexec.h) begins with `head`, the first entry of a list.
 * An entry is the physical address of a page, and what it means in the low bits. Pages of entries
 * are allocated outside of all destinations, so that the list is there while the home is not.
 */
#include "memory/kexec-list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory/core.h"
#include "memory/symbols.h"

#define SWAP_DESTINATION 0x1
#define SWAP_INDIRECTION 0x2 /* the list goes on in this page */
#define SWAP_DONE	 0x4
#define SWAP_SOURCE	 0x8 /* goes to the destination, which moves on by a page */
#define SWAP_SIZE	 8

int kexec_list_find(const char *kallsyms, const char *kcore, uint64_t *ret, struct error *err)
{
	uint64_t pointer, image;
	int r = memory_symbol_virtual(kallsyms, "kexec_image", &pointer, err);

	if (!r)
		r = core_read_virtual(kcore, pointer, &image, sizeof(image), err);
	if (!r && !image)
		r = error_set(err, ENOENT, "no kernel is loaded");
	return r ? r : core_read_virtual(kcore, image, ret, sizeof(*ret), err);
}

struct walk {
	const struct frozen *frozen;
	struct memory_window window; /* the page of entries */
	uint64_t destination;	     /* PFN */
	kexec_list_visit visit;
	void *context;
};

static int check(const struct walk *walk, uint64_t pfn, bool in_home, struct error *err)
{
	if (runs_contain(walk->frozen->home, pfn) == in_home &&
	    runs_contain(walk->frozen->ram, pfn))
		return 0;
	return error_set(err, EUCLEAN, "list of swapped pages: frame %#" PRIx64 " is out of place",
			 pfn);
}

static int swap(struct walk *walk, uint64_t source, struct error *err)
{
	uint64_t destination = walk->destination++;
	int r = check(walk, destination, true, err);

	/* A page that was free where it is needed stays there. */
	if (!r && source == destination)
		return 0;
	if (!r)
		r = check(walk, source, false, err);
	return r ? r : walk->visit(walk->context, destination, source, err);
}

static int map_entries(struct walk *walk, uint64_t pfn, const void **ret, struct error *err)
{
	int r = check(walk, pfn, false, err);

	return r ? r : memory_map(walk->frozen->memory, &walk->window, pfn, 1, pfn + 1, ret, err);
}

static int follow(struct walk *walk, uint64_t entry, struct error *err)
{
	/* Each page of the home takes a source and at most one word more. */
	uint64_t limit = 2 * runs_total(walk->frozen->home) + 2 * FRAME_SIZE / SWAP_SIZE;
	const char *page = NULL;
	size_t at = 0;
	int r = 0;

	for (uint64_t i = 0; !r && i < limit; i++) {
		uint64_t pfn = entry >> FRAME_SHIFT;
		const void *bytes;

		if (entry & SWAP_DONE)
			return 0;
		if (entry & SWAP_INDIRECTION) {
			r = map_entries(walk, pfn, &bytes, err);
			page = bytes;
			at = 0;
		} else if (entry & SWAP_DESTINATION) {
			walk->destination = pfn;
		} else if (entry & SWAP_SOURCE) {
			r = swap(walk, pfn, err);
		} else {
			break;
		}
		if (r)
			return r;
		if (!page || at == FRAME_SIZE)
			break;
		memcpy(&entry, page + at, SWAP_SIZE);
		at += SWAP_SIZE;
	}
	return error_set(err, EUCLEAN, "list of swapped pages: no end");
}

int kexec_list_walk(const struct frozen *frozen, kexec_list_visit visit, void *context,
		    struct error *err)
{
	struct walk walk = { .frozen = frozen, .visit = visit, .context = context };
	int r = follow(&walk, frozen->list, err);

	memory_unmap(&walk.window);
	return r;
}

size_t kexec_list_index(const struct runs *home, uint64_t pfn)
{
	size_t before = 0;

	for (size_t i = 0; i < home->n; i++) {
		const struct run *run = &home->v[i];

		if (pfn >= run->pfn && pfn - run->pfn < run->count)
			return before + (pfn - run->pfn);
		before += run->count;
	}
	return SIZE_MAX;
}

struct sources {
	const struct runs *home;
	uint64_t *pfns;
};

static int note_source(void *context, uint64_t destination, uint64_t source, struct error *err)
{
	struct sources *sources = context;

	(void)err;
	/* The walk has checked that it lies there. */
	sources->pfns[kexec_list_index(sources->home, destination)] = source;
	return 0;
}

int kexec_list_read(const struct frozen *frozen, uint64_t **ret, struct error *err)
{
	struct sources sources = { .home = frozen->home };
	int r;

	if (!frozen->list)
		return error_set(err, ENODATA, "the list of swapped pages is not known");
	sources.pfns = calloc(runs_total(frozen->home), sizeof(*sources.pfns));
	if (!sources.pfns)
		return error_set(err, ENOMEM, "no memory for the list of swapped pages");
	r = kexec_list_walk(frozen, note_source, &sources, err);
	if (r)
		free(sources.pfns);
	else
		*ret = sources.pfns;
	return r;
}
