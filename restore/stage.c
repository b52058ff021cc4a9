/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames, plan and reading of an image. */
#include "restore/stage.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/safe.h"
#include "image/restorable.h"
#include "jump/jump.h"
#include "restore/screen.h"

#define MIB UINT64_C(1048576)

/* Threads that read; more do not go faster than memory. */
#define WORKERS_MAX 32
/* What the rest of this program and the kernel need while it runs. */
#define BASE_SIZE (8 * MIB)

/* Two for each CPU: while one waits for the device, the other one decompresses. */
static unsigned workers(void)
{
	long count = 2 * sysconf(_SC_NPROCESSORS_ONLN);

	return count < 2 ? 2 : count > WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}

/* --- places --------------------------------------------------------------------------------- */

/* The home from its start on, as far as it is one piece. */
static int find_home(const struct image_index *index, struct run *ret, struct error *err)
{
	uint64_t pfn = index->machine.home_start >> FRAME_SHIFT;

	for (size_t i = 0; i < index->home.n; i++) {
		const struct run *run = &index->home.v[i];

		if (pfn < run->pfn || pfn - run->pfn >= run->count)
			continue;
		*ret = (struct run){ .pfn = pfn, .count = run->pfn + run->count - pfn };
		return 0;
	}
	return error_set(err, EUCLEAN, "home at %#" PRIx64 " is not in the image's list",
			 index->machine.home_start);
}

/* Frames of the payload's segment with RUN_COUNT runs. */
static int segment_of(const struct image_index *index, const struct run *home, uint64_t run_count,
		      struct run *ret, struct error *err)
{
	uint64_t size = jump_handover_size(&index->ram, index->chunk_count, run_count,
					   image_clears_max(index));

	*ret = (struct run){ .pfn = home->pfn,
			     .count = safe_round_up(size, FRAME_SIZE) >> FRAME_SHIFT };
	if (ret->count <= home->count)
		return 0;
	return error_set(err, ENOSPC,
			 "payload of %" PRIu64 " KiB does not fit into the home of %" PRIu64 " KiB",
			 size / 1024, home->count * FRAME_SIZE / 1024);
}

/* Acquire frames until those owned suffice. */
static int acquire(struct frames *frames, const struct runs *data, const struct runs *spare,
		   struct error *err)
{
	struct runs own = { 0 };
	uint64_t missing;
	int rc = frames_runs(frames, &own, err);

	if (rc)
		goto out;
	missing = plan_missing(data, spare, &own);
	rc = frames_conceivable(frames_available(), frames->reserve, missing, err);
	if (rc)
		error_prefix(err, "%" PRIu64 " MiB of memory needed",
			     missing * FRAME_SIZE / MIB + 1);
	while (!rc && missing) {
		size_t before = frames->own_count;

		rc = frames_grow(frames, missing, err);
		if (rc) {
			error_prefix(err, "%" PRIu64 " MiB more memory needed",
				     missing * FRAME_SIZE / MIB + 1);
			break;
		}
		for (size_t i = before; i < frames->own_count; i++) {
			struct run run = { frames->own[i].pfn, frames->own[i].count };
			uint64_t n = plan_covered(data, run) + plan_covered(spare, run);

			missing -= n < missing ? n : missing;
		}
	}
out:
	runs_free(&own);
	return rc;
}

/* Plan with the frames that suffice when nothing is staged in SEGMENT. */
static int plan_around(struct stage *stage, const struct image_index *index,
		       const struct runs *data, struct run segment, struct error *err)
{
	struct runs spare = { 0 }, own = { 0 };
	int rc = plan_spare(index, segment, &spare, err);

	if (!rc)
		rc = acquire(&stage->frames, data, &spare, err);
	if (!rc)
		rc = frames_runs(&stage->frames, &own, err);
	if (!rc)
		rc = plan_make(index, &own, &spare, &stage->plan, err);
	runs_free(&spare);
	runs_free(&own);
	return rc;
}

/*
 * The plan depends on where the payload's segment ends, and that on the number of runs in the
 * plan: begin with a guess and plan again with more room until it fits.
 */
static int plan_all(struct stage *stage, const struct image_index *index, const struct runs *data,
		    struct error *err)
{
	uint64_t room = index->data.n;
	struct run segment;
	int rc;

	do {
		room += room / 8 + 64;
		rc = segment_of(index, &stage->home, room, &segment, err);
		if (rc)
			return rc;
		rc = plan_around(stage, index, data, segment, err);
		if (rc)
			return rc;
		if (stage->plan.run_count <= room)
			return 0;
		room = stage->plan.run_count;
	} while (true);
}

/* The segment is here and in the kernel. */
static uint64_t own_needs(uint64_t segment)
{
	return BASE_SIZE + workers() * IMAGE_READER_BYTES + 2 * segment;
}

uint64_t stage_reserve(uint64_t total, uint64_t segment)
{
	return frames_reserve(total, own_needs(segment));
}

int stage_prepare(struct stage *stage, const struct image_index *index, struct error *err)
{
	struct runs data = { 0 };
	struct run segment;
	int rc;

	memset(stage, 0, sizeof(*stage));
	rc = find_home(index, &stage->home, err);
	if (!rc)
		rc = segment_of(index, &stage->home, index->data.n, &segment, err);
	if (!rc)
		rc = blocks_bring_online(BLOCKS_PATH, &index->ram, &stage->blocks, err);
	if (!rc)
		rc = frames_open(&stage->frames, own_needs(segment.count * FRAME_SIZE), err);
	if (rc)
		return rc;
	rc = runs_add_all(&data, &index->data);
	if (rc) {
		error_set(err, -rc, "list of frames: %s", strerror(-rc));
	} else {
		runs_sort(&data);
		rc = plan_all(stage, index, &data, err);
	}
	frames_sort(&stage->frames);
	runs_free(&data);
	return rc;
}

void stage_free(struct stage *stage)
{
	frames_close(&stage->frames);
	blocks_give_back(&stage->blocks);
	plan_free(&stage->plan);
}

/* --- reading -------------------------------------------------------------------------------- */

struct reading {
	const struct stage *stage;
	struct screen screen;
};

/* Copy the pages of one run of the plan to where their frames are mapped. */
static int place(const struct frames *frames, const struct payload_run *run,
		 const unsigned char *pages, struct error *err)
{
	for (uint64_t done = 0, n; done < run->count; done += n) {
		uint64_t pfn = run->source + done;
		const struct own *own = frames_find(frames, pfn);

		if (!own)
			return error_set(err, EFAULT, "frame %#" PRIx64 " is not owned", pfn);
		n = own->pfn + own->count - pfn;
		if (n > run->count - done)
			n = run->count - done;
		memcpy(own->bytes + (pfn - own->pfn) * FRAME_SIZE, pages + done * FRAME_SIZE,
		       n * FRAME_SIZE);
	}
	return 0;
}

/* Where the frames of a chunk are mapped, if its pages go into frames that are in one piece. */
static void *room(void *context, size_t number, const struct image_chunk *chunk)
{
	const struct reading *reading = context;
	const struct plan *plan = &reading->stage->plan;
	const struct payload_run *run = &plan->runs[plan->chunks[number].first_run];
	const struct own *own;

	if (plan->chunks[number].run_count != 1 || run->count != chunk->pages)
		return NULL;
	own = frames_find(&reading->stage->frames, run->source);
	if (!own || own->pfn + own->count - run->source < run->count)
		return NULL;
	return own->bytes + (run->source - own->pfn) * FRAME_SIZE;
}

/* Threads write to different frames, so nothing needs a lock. */
static int take(void *context, size_t number, const struct image_chunk *chunk,
		const struct run *runs, const void *pages, struct error *err)
{
	struct reading *reading = context;
	const struct plan *plan = &reading->stage->plan;
	const struct payload_run *run = &plan->runs[plan->chunks[number].first_run];
	const unsigned char *at = pages;
	bool placed = pages == room(context, number, chunk);

	(void)runs;
	for (uint32_t i = 0; !placed && i < plan->chunks[number].run_count; i++, run++) {
		int rc = place(&reading->stage->frames, run, at, err);

		if (rc)
			return rc;
		at += run->count * FRAME_SIZE;
	}
	return screen_add(&reading->screen, chunk->pages, err);
}

static int count(void *context, size_t number, const struct image_chunk *chunk,
		 const struct run *runs, const void *pages, struct error *err)
{
	struct reading *reading = context;

	(void)number, (void)runs, (void)pages;
	return screen_add(&reading->screen, chunk->pages, err);
}

int stage_verify(const struct disk *disk, const struct image_index *index, bool quiet,
		 struct error *err)
{
	struct reading reading = { .stage = NULL };
	const struct image_sink sink = { .take = count, .context = &reading };
	int rc;

	screen_open(&reading.screen, quiet ? NULL : &screen_of_caller, runs_total(&index->data));
	rc = image_read_chunks(disk, index, workers(), &sink, err);
	screen_close(&reading.screen);
	return rc;
}

int stage_read(struct stage *stage, const struct disk *disk, const struct image_index *index,
	       bool quiet, struct error *err)
{
	struct reading reading = { .stage = stage };
	/* The payload compares all pages with the hashes in its list once more, behind the kernel.
	 */
	const struct image_sink sink = {
		.take = take, .room = room, .checks_pages = true, .context = &reading
	};
	uint64_t start = clock_now();
	int rc;

	screen_open(&reading.screen, quiet ? NULL : &screen_of_boot,
		    stage->plan.in_place + stage->plan.copied);
	rc = image_read_chunks(disk, index, workers(), &sink, err);
	screen_close(&reading.screen);
	stage->read_time = clock_now() - start;
	return rc;
}
