/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking kernel B's memory out of the running kernel's: each frame of the home is where the list of
 * swapped pages says, or where it belongs, if the list does not have it (a home that was reserved
 * at boot, pages that were free where they are needed).
 */
#include "kjump/kept/copy.h"

#include <errno.h>
#include <stdlib.h>

#include "jump/jump.h"
#include "kjump/kept/file.h"
#include "memory/core.h"
#include "memory/kexec-list.h"
#include "memory/memory.h"

struct copy {
	const struct kept_paths *paths;
	struct memory *kcore, *mem; /* the latter is opened when it is needed */
	struct memory_window kcore_window, mem_window;
	struct core core;
	struct runs ram, frames; /* A's; low memory and the home */
	uint64_t home, end;	 /* PFNs */
	uint64_t *sources;	 /* of low memory, then of the home: PFN, 0 = not in the list */
};

#define LOW_PAGES (JUMP_LOW_SIZE >> FRAME_SHIFT)

static uint64_t *source_of(const struct copy *copy, uint64_t pfn)
{
	return &copy->sources[pfn < LOW_PAGES ? pfn : LOW_PAGES + pfn - copy->home];
}

static int note(void *context, uint64_t destination, uint64_t source, struct error *err)
{
	struct copy *copy = context;

	(void)err;
	*source_of(copy, destination) = source;
	return 0;
}

static const void *page(void *context, uint64_t pfn, struct error *err)
{
	struct copy *copy = context;
	uint64_t source = *source_of(copy, pfn);
	const void *bytes;
	int ret = 0;

	source = source ? source : pfn;
	if (runs_contain(&copy->core.ram, source)) {
		ret = memory_map(copy->kcore, &copy->kcore_window, source, 1, source + 1, &bytes,
				 err);
		return ret ? NULL : bytes;
	}
	/* What the system left alone at boot is none of its memory. */
	if (!copy->mem)
		ret = memory_open(copy->paths->mem, &copy->mem, err);
	if (!ret)
		ret = memory_map(copy->mem, &copy->mem_window, source, 1, copy->end, &bytes, err);
	return ret ? NULL : bytes;
}

/* A's RAM below 640 KiB except page 0, as jump_load() has it, and the home. */
static int list_frames(struct copy *copy, const struct kept_identity *identity, struct error *err)
{
	struct run low = { 1, LOW_PAGES - 1 };
	const struct run home = { identity->home_start >> FRAME_SHIFT,
				  identity->home_size >> FRAME_SHIFT };
	const struct runs below = { .v = &low, .n = 1 };
	int ret = runs_intersect(&copy->ram, &below, &copy->frames);

	if (!ret)
		ret = runs_append(&copy->frames, home.pfn, home.count);
	if (!ret)
		ret = runs_append(&copy->ram, home.pfn, home.count);
	if (ret)
		return error_set(err, -ret, "out of memory");
	runs_sort(&copy->ram);
	copy->home = home.pfn;
	copy->end = home.pfn + home.count;
	copy->sources = calloc(LOW_PAGES + home.count, sizeof(*copy->sources));
	return copy->sources ? 0 : error_set(err, ENOMEM, "out of memory");
}

int kept_copy(const struct kept_paths *paths, uint64_t list, const struct kept_identity *identity,
	      const char *path, uint64_t *size, struct error *err)
{
	struct copy copy = { .paths = paths };
	struct frozen frozen = { .ram = &copy.ram, .home = &copy.frames, .list = list };
	int ret = memory_system_ram(paths->iomem, &copy.ram, err);

	if (!ret)
		ret = list_frames(&copy, identity, err);
	if (!ret)
		ret = core_open(paths->kcore, &copy.kcore, &copy.core, err);
	frozen.memory = copy.kcore;
	if (!ret)
		ret = kexec_list_walk(&frozen, note, &copy, err);
	if (!ret)
		ret = kept_write(path, identity, &copy.frames, page, &copy, size, err);
	memory_unmap(&copy.kcore_window);
	memory_unmap(&copy.mem_window);
	core_free(&copy.core);
	memory_close(copy.kcore);
	memory_close(copy.mem);
	runs_free(&copy.ram);
	runs_free(&copy.frames);
	free(copy.sources);
	return ret;
}
