/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long the lists of pages may get. */
#include "writer/budget.h"

#include <errno.h>
#include <inttypes.h>

#include "image/image.h"
#include "image/restorable.h"
#include "writer/selection.h"

#define MIB (UINT64_C(1) << 20)

/* Left alone, for the C library and for the kernel. */
#define RESERVE (4 * MIB)

#define RUNS_MIN 64

/* Of the payload's lists, for each run that is left out: a run of data behind it, and the clear. */
#define PAYLOAD_PER_RUN                                                                            \
	(sizeof(struct payload_run) + sizeof(struct payload_run) / 4 + sizeof(struct payload_clear))

/*
 * What is not lists: a worker's buffers, then those of the reader that verifies; and a bit for each
 * frame, when the image is built on another one.
 */
static uint64_t fixed_size(const struct budget *budget)
{
	int level = budget->level == LEVEL_AUTO ? LEVEL_AUTO_MAX : budget->level;
	uint64_t worker = image_scratch_size(level) + IMAGE_CHUNK_PAGES * FRAME_SIZE + MIB / 4;

	if (worker < IMAGE_READER_BYTES)
		worker = IMAGE_READER_BYTES;
	return RESERVE + IMAGE_WRITER_BYTES + budget->workers * worker +
	       runs_total(budget->ram) / 8;
}

static int memory_runs(const struct budget *budget, uint64_t chunks, uint64_t *ret,
		       struct error *err)
{
	uint64_t chunk = BUDGET_CHUNK + (budget->sealed ? BUDGET_PLACE : 0);
	uint64_t needed = fixed_size(budget) + chunks * chunk + RUNS_MIN * BUDGET_RUN;

	if (needed > budget->available)
		return error_set(err, ENOMEM,
				 "kernel B needs %" PRIu64 " MiB to save %" PRIu64
				 " MiB and has %" PRIu64 "; make 'home' larger, or leave it out",
				 needed / MIB + 1, runs_total(budget->ram) * FRAME_SIZE / MIB,
				 budget->available / MIB);
	*ret = (budget->available - needed) / BUDGET_RUN + RUNS_MIN;
	return 0;
}

static int payload_runs(const struct budget *budget, uint64_t chunks, uint64_t *ret,
			struct error *err)
{
	uint64_t home = image_home_size(budget->home, budget->machine->home_start);
	uint64_t payload =
		image_payload_size(budget->ram, chunks, image_plan_runs(chunks), RUNS_MIN);

	if (payload + RUNS_MIN * PAYLOAD_PER_RUN > home)
		return error_set(err, ENOSPC,
				 "a home of %" PRIu64 " MiB is too small to restore %" PRIu64
				 " MiB; make 'home' larger, or leave it out",
				 home / MIB, runs_total(budget->ram) * FRAME_SIZE / MIB);
	*ret = (home - payload) / PAYLOAD_PER_RUN;
	return 0;
}

int budget_runs(const struct budget *budget, size_t *ret, struct error *err)
{
	uint64_t chunks =
		runs_total(budget->ram) / IMAGE_CHUNK_PAGES + budget->workers + budget->ram->n;
	uint64_t memory = 0, payload = 0;
	int r = memory_runs(budget, chunks, &memory, err);

	if (!r)
		r = payload_runs(budget, chunks, &payload, err);
	if (!r)
		*ret = memory < payload ? memory : payload;
	return r;
}

uint64_t budget_shortest(size_t max, size_t used, uint64_t slices)
{
	uint64_t each;

	if (!max || used <= max / 2)
		return 1;
	each = used < max ? (max - used) / (slices + 1) : 0;
	/* So many runs of that length, with a page between each two, are in a slice at most. */
	return each ? (SLICE_FRAMES + each - 1) / each : SLICE_FRAMES + 1;
}
