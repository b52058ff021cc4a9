/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page frames that this process owns: huge pages as long as there are any, locked small pages
 * after them, each with its frame from the page map and its address.
 */
#ifndef RESTORE_FRAMES_H
#define RESTORE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"
#include "restore/tuning.h"

/* COUNT frames from PFN on, mapped one after the other at BYTES. */
struct own {
	uint64_t pfn, count;
	unsigned char *bytes;
};

struct frames_area {
	void *base;
	size_t size;
};

struct frames {
	int pagemap;
	uint64_t reserve; /* bytes of memory that are left to the kernel and to the reader */
	bool huge_over;	  /* there are no more huge pages to be had */
	uint64_t pool;	  /* huge pages that the pool had before */
	struct tuning tuning;
	struct frames_area *areas;
	size_t area_count, area_capacity;
	struct own *own; /* in the order of acquisition until frames_sort() */
	size_t own_count, own_capacity;
};

/*
 * What stays available in a machine with TOTAL bytes of memory when WANTED bytes are to: never less
 * than 16 MiB or 1 % of it. That is beyond the kernel's own watermarks, which nothing that counts
 * as available touches, and what maps the frames is taken from what is available as well: this is
 * for what the kernel, its drivers and this program need while an image is read and the payload
 * loaded.
 */
uint64_t frames_reserve(uint64_t total, uint64_t wanted);

/* Bytes that the kernel could give, by its own estimate, and unused huge pages of its pool. */
uint64_t frames_available(void);

/*
 * Is it conceivable that WANTED frames are acquired with AVAILABLE bytes, of which RESERVE are to
 * stay? ENOMEM when it is not, so that nobody takes all that a machine has only to find that out.
 * The kernel's number is an estimate (si_mem_available()): somewhat less is left to be tried.
 */
int frames_conceivable(uint64_t available, uint64_t reserve, uint64_t wanted, struct error *err);

/*
 * Prepare for holding frames: settings, page map. frames_reserve() of RESERVE bytes stay available.
 * frames_close() ends it in any case, and puts everything back; zero-initialised frames it leaves
 * alone.
 */
int frames_open(struct frames *frames, uint64_t reserve, struct error *err);
void frames_close(struct frames *frames);

/*
 * Acquire some more frames, towards WANTED of them (at most one batch): appended to frames->own,
 * never merged with what was there. ENOMEM when the reserve is reached.
 */
int frames_grow(struct frames *frames, uint64_t wanted, struct error *err);

/* Sort frames->own, for frames_find(). */
void frames_sort(struct frames *frames);

/* The owned run that holds the frame, or NULL. */
const struct own *frames_find(const struct frames *frames, uint64_t pfn);

/* Append all owned frames to RET, sorted and merged. */
int frames_runs(const struct frames *frames, struct runs *ret, struct error *err);

/* Are all pages still in the same frames? EAGAIN otherwise. */
int frames_check(const struct frames *frames, struct error *err);

/* --- shared by frames.c and grow.c --- */

#define FRAMES_HUGE_POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

/* Page map entries of COUNT (at most FRAMES_PAGEMAP_BATCH) pages. */
#define FRAMES_PAGEMAP_BATCH 512
#define FRAMES_PRESENT	     (UINT64_C(1) << 63)
#define FRAMES_PFN	     ((UINT64_C(1) << 55) - 1)
int frames_pagemap(const struct frames *frames, const void *base, size_t count, uint64_t *entries,
		   struct error *err);

/* The line NAME of /proc/meminfo, in bytes, or the number in a file; 0 when it is not there. */
uint64_t frames_meminfo(const char *name);
uint64_t frames_number(const char *path);

#endif
