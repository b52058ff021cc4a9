/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One worker's page collector: zero pages go to a list, all others into a buffer of one chunk's
 * size, which is compressed and written whenever it is full.
 */
#ifndef WRITER_PACKER_H
#define WRITER_PACKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"
#include "image/image.h"
#include "writer/level.h"

struct packer {
	struct image_writer *writer;   /* not owned */
	struct level_control *control; /* not owned; NULL: the level is fixed */
	struct image_scratch *scratch;
	unsigned char *buffer; /* IMAGE_CHUNK_PAGES pages */
	uint32_t pages;	       /* in the buffer */
	struct runs frames;    /* of the pages in the buffer */
	struct runs zero;      /* frames of all zero pages so far, */
	uint64_t shortest;     /* in runs of at least this many: others are taken for data */
	uint64_t data;	       /* all other pages so far */
	uint64_t last;	       /* nanoseconds of CLOCK_MONOTONIC: when the last chunk was done */
};

/*
 * Compress with LEVEL, or as CONTROL says if it is not NULL. Returns 0 or -ENOMEM; packer_free()
 * in either case.
 */
int packer_init(struct packer *packer, struct image_writer *writer, int level,
		struct level_control *control, struct error *err);
void packer_free(struct packer *packer);

/* Take COUNT pages at BYTES, the frames from PFN on. */
int packer_pages(struct packer *packer, uint64_t pfn, uint64_t count, const void *bytes,
		 struct error *err);

/* Write what is in the buffer, if anything. */
int packer_flush(struct packer *packer, struct error *err);

/* Is the page (aligned) all zero? */
bool packer_page_is_zero(const void *page);

#endif
