/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One worker's page collector. Pages are copied before they are compressed: chunks may gather
 * frames from anywhere, and the copy costs little beside the compression.
 */
#include "writer/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int gather_init(struct gather *gather, struct image_writer *writer, int level, struct error *err)
{
	*gather = (struct gather){
		.writer = writer,
		.scratch = image_scratch_create(level),
		.buffer = disk_buffer(IMAGE_CHUNK_PAGES * FRAME_SIZE),
	};
	if (!gather->scratch || !gather->buffer)
		return error_set(err, ENOMEM, "out of memory for a compression thread");
	return 0;
}

void gather_free(struct gather *gather)
{
	image_scratch_free(gather->scratch);
	free(gather->buffer);
	runs_free(&gather->frames);
	runs_free(&gather->zero);
	*gather = (struct gather){ 0 };
}

/* gcc makes SSE2 of this at any level of optimisation; of a loop over words it does not. */
typedef uint64_t vector __attribute__((vector_size(32), may_alias));

bool gather_page_is_zero(const void *page)
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

int gather_flush(struct gather *gather, struct error *err)
{
	int r;

	if (!gather->pages)
		return 0;
	r = image_writer_chunk(gather->writer, gather->scratch, gather->buffer, gather->pages,
			       &gather->frames, err);
	gather->pages = 0;
	gather->frames.n = 0;
	return r;
}

static int add_frame(struct runs *runs, uint64_t pfn, struct error *err)
{
	int r = runs_add(runs, pfn, 1);

	return r ? error_set(err, -r, "frame %#llx: out of memory", (unsigned long long)pfn) : 0;
}

static int gather_page(struct gather *gather, uint64_t pfn, const void *page, struct error *err)
{
	int r;

	if (gather_page_is_zero(page))
		return add_frame(&gather->zero, pfn, err);
	r = add_frame(&gather->frames, pfn, err);
	if (r)
		return r;
	memcpy(gather->buffer + (size_t)gather->pages * FRAME_SIZE, page, FRAME_SIZE);
	gather->data++;
	gather->pages++;
	return gather->pages == IMAGE_CHUNK_PAGES ? gather_flush(gather, err) : 0;
}

int gather_pages(struct gather *gather, uint64_t pfn, uint64_t count, const void *bytes,
		 struct error *err)
{
	const unsigned char *page = bytes;
	uint64_t i;
	int r;

	for (i = 0; i < count; i++, page += FRAME_SIZE) {
		r = gather_page(gather, pfn + i, page, err);
		if (r)
			return r;
	}
	return 0;
}
