/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is held while kernel B is loaded.
 */
#include "kjump/load/ballast.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/abi.h"
#include "kjump/load/mailbox.h"
#include "text/meminfo.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define PIECE (2ULL << 20) /* a huge page, if the kernel has one */
#define PAGES (PIECE / FRAME_SIZE)

/* Stays free beside ballast and shadow pages, so that neither drops caches or swaps. */
#define SPARE (32ULL << 20)

void ballast_take(struct ballast *ballast, const char *meminfo, uint64_t size)
{
	struct error ignored = { 0 };
	struct meminfo memory;
	uint64_t free;
	void *bytes;

	if (meminfo_read(meminfo, &memory, &ignored))
		return;
	free = meminfo_unmovable(&memory, memory.free);
	if (free < size + SPARE + PIECE)
		return;
	/*
	 * A huge page too many, as the mapping may begin in the middle of one. Twice the home, if
	 * there is so much: what then lies outside of it is enough for the shadow pages, and is
	 * what the kernel hands out next.
	 */
	if (free >= 2 * size + PIECE + SPARE)
		size = 2 * size + PIECE;
	else
		size = (free - size - SPARE) & ~(PIECE - 1);
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		return;
	*ballast = (struct ballast){ bytes, size };
	madvise(bytes, size, MADV_HUGEPAGE);
	/* It is only for speed: whatever is there by now will do. */
	for (size_t i = 0; i < size; i += PIECE) {
		if (madvise(ballast->bytes + i, PIECE, MADV_POPULATE_WRITE))
			break;
	}
}

/* Is any of the COUNT pages from BYTES on in the place? */
static bool lies_in(int pagemap, const unsigned char *bytes, size_t count, uint64_t start,
		    uint64_t end)
{
	uint64_t frames[PAGES], first = start >> FRAME_SHIFT, last = end >> FRAME_SHIFT;
	ssize_t got = pread(pagemap, frames, count * sizeof(*frames),
			    (off_t)((uintptr_t)bytes / FRAME_SIZE * sizeof(*frames)));

	for (ssize_t i = 0; i < got / (ssize_t)sizeof(*frames); i++) {
		uint64_t pfn = frames[i] & PAGEMAP_PRESENT ? frames[i] & PAGEMAP_FRAME : 0;

		if (pfn >= first && pfn < last)
			return true;
	}
	return false;
}

void ballast_trim(struct ballast *ballast, const char *pagemap, uint64_t start, uint64_t size)
{
	int fd = ballast->bytes ? open(pagemap, O_RDONLY | O_CLOEXEC) : -1;
	size_t step;

	if (fd < 0)
		return;
	/* To the next border of a huge page first, then whole ones. */
	for (size_t i = 0; i < ballast->size; i += step) {
		unsigned char *bytes = ballast->bytes + i;

		step = PIECE - (uintptr_t)bytes % PIECE;
		if (step > ballast->size - i)
			step = ballast->size - i;
		if (!lies_in(fd, bytes, step / FRAME_SIZE, start, start + size))
			madvise(bytes, step, MADV_DONTNEED);
	}
	close(fd);
}

void ballast_drop(struct ballast *ballast)
{
	if (ballast->bytes)
		munmap(ballast->bytes, ballast->size);
	*ballast = (struct ballast){ 0 };
}
