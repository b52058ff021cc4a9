/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One worker's page collector. Pages that lie alone are copied before they are compressed: chunks
 * may gather frames from anywhere, and the copy costs little beside the compression.
 */
#include "writer/packer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

int packer_init(struct packer *packer, struct image_writer *writer, int level,
		struct level_control *control, struct error *err)
{
	*packer = (struct packer){
		.writer = writer,
		.control = control,
		.last = clock_now(),
		.scratch = image_scratch_create(level),
		.buffer = disk_buffer(IMAGE_CHUNK_PAGES * FRAME_SIZE),
	};
	if (!packer->scratch || !packer->buffer)
		return error_set(err, ENOMEM, "out of memory for a compression thread");
	return 0;
}

void packer_free(struct packer *packer)
{
	image_scratch_free(packer->scratch);
	free(packer->buffer);
	runs_free(&packer->frames);
	runs_free(&packer->zero);
	*packer = (struct packer){ 0 };
}

/* gcc makes SSE2 of this at any level of optimisation; of a loop over words it does not. */
typedef uint64_t vector __attribute__((vector_size(32), may_alias));

bool packer_page_is_zero(const void *page)
{
	const vector *v = page;
	const vector *end = v + FRAME_SIZE / sizeof(*v);

	/* Without a branch for 256 bytes: most pages that are not zero show it in the first ones.
	 */
	for (; v < end; v += 8) {
		vector any = v[0] | v[1] | v[2] | v[3] | v[4] | v[5] | v[6] | v[7];

		if (any[0] | any[1] | any[2] | any[3])
			return false;
	}
	return true;
}

/* The chunk is away: let the control have its figures, and ask it for the next level. */
static void adapt(struct packer *packer, uint32_t pages)
{
	uint64_t time = clock_now();
	struct image_flow flow;

	image_writer_flow(packer->writer, &flow);
	level_account(packer->control, (uint64_t)pages * FRAME_SIZE, time - packer->last,
		      &(struct level_sums){
			      .out = image_writer_bytes(packer->writer),
			      .waited = flow.waited,
			      .written = flow.bytes,
			      .busy = flow.busy,
		      });
	packer->last = time;
	image_scratch_set_level(packer->scratch, level_now(packer->control));
}

/* One chunk: PAGES pages at BYTES, which are those of FRAMES. */
static int write_chunk(struct packer *packer, const void *bytes, uint32_t pages,
		       const struct runs *frames, struct error *err)
{
	int r = image_writer_chunk(packer->writer, packer->scratch, bytes, pages, frames, err);

	if (!r && packer->control)
		adapt(packer, pages);
	return r;
}

int packer_flush(struct packer *packer, struct error *err)
{
	int r;

	if (!packer->pages)
		return 0;
	r = write_chunk(packer, packer->buffer, packer->pages, &packer->frames, err);
	packer->pages = 0;
	packer->frames.n = 0;
	return r;
}

static int add_frames(struct runs *runs, uint64_t pfn, uint64_t count, struct error *err)
{
	int r = runs_add(runs, pfn, count);

	return r ? error_set(err, -r, "frame %#llx: out of memory", (unsigned long long)pfn) : 0;
}

/* Copy COUNT pages into the buffer, which is written whenever it is full. */
static int collect(struct packer *packer, uint64_t pfn, uint64_t count, const unsigned char *page,
		   struct error *err)
{
	while (count) {
		uint64_t room = IMAGE_CHUNK_PAGES - packer->pages;
		uint64_t n = count < room ? count : room;
		int r = add_frames(&packer->frames, pfn, n, err);

		if (r)
			return r;
		memcpy(packer->buffer + (size_t)packer->pages * FRAME_SIZE, page, n * FRAME_SIZE);
		packer->pages += n;
		if (packer->pages == IMAGE_CHUNK_PAGES)
			r = packer_flush(packer, err);
		if (r)
			return r;
		pfn += n;
		count -= n;
		page += n * FRAME_SIZE;
	}
	return 0;
}

/* Pages from PAGE on, at most COUNT, that are all zero, or none of them is. */
static uint64_t alike(const unsigned char *page, uint64_t count, bool *zero)
{
	uint64_t n;

	*zero = packer_page_is_zero(page);
	for (n = 1; n < count; n++) {
		const unsigned char *next = page + n * FRAME_SIZE;

		/* Looking at the start of a page is nothing but waiting for memory. */
		if (n + 1 < count)
			__builtin_prefetch(next + FRAME_SIZE);
		if (packer_page_is_zero(next) != *zero)
			break;
	}
	return n;
}

int packer_pages(struct packer *packer, uint64_t pfn, uint64_t count, const void *bytes,
		 struct error *err)
{
	const unsigned char *page = bytes;
	int r = 0;

	while (count && !r) {
		struct run run = { .pfn = pfn };
		struct runs frames = { .v = &run, .n = 1 };
		bool zero;
		uint64_t n =
			alike(page, count < IMAGE_CHUNK_PAGES ? count : IMAGE_CHUNK_PAGES, &zero);

		zero = zero && n >= packer->shortest;
		if (zero) {
			r = add_frames(&packer->zero, pfn, n, err);
		} else if (n == IMAGE_CHUNK_PAGES) {
			/* A whole chunk in one piece: nothing to collect. */
			run.count = n;
			r = write_chunk(packer, page, (uint32_t)n, &frames, err);
		} else {
			r = collect(packer, pfn, n, page, err);
		}
		packer->data += zero ? 0 : n;
		pfn += n;
		count -= n;
		page += n * FRAME_SIZE;
	}
	return r;
}
