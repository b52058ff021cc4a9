/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same sums as restore/stage.c makes, before there is a kernel that restores. */
#include "image/restorable.h"

#include <errno.h>
#include <inttypes.h>

#include "common/payload.h"
#include "common/safe.h"

#define MIB (UINT64_C(1) << 20)

uint64_t image_home_size(const struct runs *home, uint64_t start)
{
	uint64_t pfn = start >> FRAME_SHIFT;

	for (size_t i = 0; i < home->n; i++) {
		const struct run *run = &home->v[i];

		if (pfn >= run->pfn && pfn - run->pfn < run->count)
			return (run->pfn + run->count - pfn) << FRAME_SHIFT;
	}
	return 0;
}

uint64_t image_payload_size(const struct runs *ram, uint64_t chunks, uint64_t runs, uint64_t clears)
{
	/* The processor that restores may be one without pages of 1 GiB. */
	return payload_size(ram->v, ram->n, false, chunks, runs, clears);
}

bool image_clears_free(const struct image_machine *machine)
{
	return machine->fill == FILL_ZERO || machine->fill == FILL_POISON;
}

/* Five frames or runs are left out of the home, and each may lie in the middle of one of its. */
#define HOME_HOLES 5

size_t image_clears_max(const struct image_index *index)
{
	if (!image_clears_free(&index->machine))
		return index->zero.n;
	return index->zero.n + index->free.n + index->home.n + HOME_HOLES;
}

/*
 * Each data page takes a frame that is neither untouchable nor the boot kernel's, nor one of those
 * that payload and mailbox lie in.
 */
int image_restorable(const struct image_index *index, uint64_t boot, struct error *err)
{
	const struct image_machine *machine = &index->machine;
	uint64_t payload =
		image_payload_size(&index->ram, index->chunk_count, image_plan_runs(index->data.n),
				   image_clears_max(index));
	uint64_t home = image_home_size(&index->home, machine->home_start);
	uint64_t frames = runs_total(&index->ram) - runs_total(&index->untouchable);
	uint64_t taken = (payload + boot) / FRAME_SIZE +
			 (machine->mailbox_pfn ? MAILBOX_SIZE / FRAME_SIZE : 0) +
			 runs_total(&index->data);

	if (payload > home)
		return error_set(err, ENOSPC,
				 "it could not be restored: lists of %" PRIu64
				 " KiB do not fit into a home of %" PRIu64
				 " KiB; make 'home' larger",
				 payload / 1024, home / 1024);
	if (taken > frames)
		return error_set(err, ENOMEM,
				 "it could not be restored: the boot kernel would need %" PRIu64
				 " MiB more beside %" PRIu64 " MiB of pages; close programs",
				 (taken - frames) * FRAME_SIZE / MIB + 1,
				 runs_total(&index->data) * FRAME_SIZE / MIB);
	return 0;
}
