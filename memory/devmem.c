/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical memory mapped through /dev/mem, or a plain file in its place. Mapped and not read():
 * read() is slow there and stops at the running kernel's own highest address.
 */
#include "memory/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The highest frame a file offset can name. */
#define FRAMES_MAX (UINT64_C(1) << (63 - FRAME_SHIFT))

/* Memory below and above 4 GiB usually lies in MTRR ranges of different kinds. */
#define BORDER_FRAMES (UINT64_C(1) << (32 - FRAME_SHIFT))

struct memory {
	int fd;
	uint64_t frames; /* whole frames of a plain file; a device tells no size: FRAMES_MAX */
	char path[PATH_MAX];
};

int memory_open(const char *path, struct memory **ret, struct error *err)
{
	struct memory *memory = calloc(1, sizeof(*memory));
	struct stat st;
	int r;

	if (!memory)
		return error_set(err, ENOMEM, "%s: out of memory", path);
	memory->fd = -1;
	if (strlen(path) >= sizeof(memory->path)) {
		r = error_set(err, ENAMETOOLONG, "%s: path too long", path);
		goto out_free;
	}
	strcpy(memory->path, path);

	/* O_SYNC would make the mapping of /dev/mem uncached. */
	memory->fd = open(path, O_RDWR | O_CLOEXEC);
	if (memory->fd < 0) {
		r = error_errno(err, "cannot open %s", path);
		goto out_free;
	}
	if (fstat(memory->fd, &st)) {
		r = error_errno(err, "cannot stat %s", path);
		goto out_free;
	}
	memory->frames = S_ISREG(st.st_mode) ? (uint64_t)st.st_size >> FRAME_SHIFT : FRAMES_MAX;
	*ret = memory;
	return 0;

out_free:
	memory_close(memory);
	return r;
}

void memory_close(struct memory *memory)
{
	if (!memory)
		return;
	if (memory->fd >= 0)
		close(memory->fd);
	free(memory);
}

/* Touching a page of a mapping beyond a file's end is a SIGBUS: say so before. */
static int check_bounds(const struct memory *memory, uint64_t pfn, uint64_t count,
			struct error *err)
{
	if (pfn > memory->frames || count > memory->frames - pfn)
		return error_set(err, EIO, "%s: frames %#llx+%#llx lie beyond its end",
				 memory->path, (unsigned long long)pfn, (unsigned long long)count);
	return 0;
}

static int map_frames(const struct memory *memory, uint64_t pfn, uint64_t count, int protection,
		      void **ret, struct error *err)
{
	void *base = mmap(NULL, count << FRAME_SHIFT, protection, MAP_SHARED, memory->fd,
			  (off_t)(pfn << FRAME_SHIFT));

	if (base == MAP_FAILED)
		return error_errno(err, "%s: cannot map frames %#llx+%#llx", memory->path,
				   (unsigned long long)pfn, (unsigned long long)count);
	*ret = base;
	return 0;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How many frames a window from PFN on maps: as many as asked, and ahead as far as is wise. */
static uint64_t window_frames(const struct memory *memory, uint64_t pfn, uint64_t count,
			      uint64_t limit)
{
	uint64_t ahead = min_u64(limit, memory->frames) - pfn;

	ahead = min_u64(ahead, MEMORY_WINDOW_PAGES);
	ahead = min_u64(ahead, BORDER_FRAMES - pfn % BORDER_FRAMES);
	return ahead > count ? ahead : count;
}

int memory_map(struct memory *memory, struct memory_window *window, uint64_t pfn, uint64_t count,
	       uint64_t limit, const void **ret, struct error *err)
{
	uint64_t frames;
	void *base = NULL;
	int r;

	if (!count || count > MEMORY_WINDOW_PAGES || pfn > limit || count > limit - pfn)
		return error_set(err, EINVAL, "%s: bad window %#llx+%#llx", memory->path,
				 (unsigned long long)pfn, (unsigned long long)count);
	if (window->base && pfn >= window->pfn && pfn - window->pfn <= window->count &&
	    count <= window->count - (pfn - window->pfn)) {
		*ret = window->base + ((pfn - window->pfn) << FRAME_SHIFT);
		return 0;
	}

	r = check_bounds(memory, pfn, count, err);
	if (r)
		return r;
	memory_unmap(window);
	frames = window_frames(memory, pfn, count, limit);
	r = map_frames(memory, pfn, frames, PROT_READ, &base, err);
	if (r)
		return r;
	*window = (struct memory_window){ .base = base, .pfn = pfn, .count = frames };
	*ret = base;
	return 0;
}

void memory_unmap(struct memory_window *window)
{
	if (window->base)
		munmap(window->base, window->count << FRAME_SHIFT);
	*window = (struct memory_window){ 0 };
}

int memory_map_rw(struct memory *memory, uint64_t address, size_t size, void **ret,
		  struct error *err)
{
	int r;

	if (!size || address % FRAME_SIZE || size % FRAME_SIZE)
		return error_set(err, EINVAL, "%s: bad mapping %#llx+%#zx", memory->path,
				 (unsigned long long)address, size);
	r = check_bounds(memory, address >> FRAME_SHIFT, size >> FRAME_SHIFT, err);
	if (r)
		return r;
	return map_frames(memory, address >> FRAME_SHIFT, size >> FRAME_SHIFT,
			  PROT_READ | PROT_WRITE, ret, err);
}
