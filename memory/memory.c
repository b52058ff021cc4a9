/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows into frozen memory. Memory itself is mapped: on /dev/mem read() is slow and stops at the
 * running kernel's own highest address. Core files are read: a copy that stays in the processor's
 * cache costs less than the page faults of a mapping, a file that shrinks is an error and no
 * SIGBUS, and /proc/kcore cannot be mapped at all.
 */
#include "memory/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/safe.h"
#include "memory/backend.h"
#include "text/files.h"

/* Loop devices upon files upon loop devices; nobody stacks more. */
#define LOOPS_MAX 4

/* The highest frame a file offset can name. */
#define FRAMES_MAX (UINT64_C(1) << (63 - FRAME_SHIFT))

/* Memory below and above 4 GiB usually lies in MTRR ranges of different kinds. */
#define BORDER_FRAMES (UINT64_C(1) << (32 - FRAME_SHIFT))

int memory_create(const char *path, int flags, struct memory **ret, struct error *err)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return error_set(err, ENOMEM, "%s: out of memory", path);
	memory->path = strdup(path);
	/* Nobody waits for a pipe; what comes out of one cannot be mapped. */
	memory->fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	if (memory->fd < 0 || !memory->path) {
		int r = error_errno(err, "cannot open %s", path);

		memory_close(memory);
		return r;
	}
	*ret = memory;
	return 0;
}

int memory_add_segment(struct memory *memory, const struct memory_segment *segment)
{
	/* Room for 1, 2, 4, 8, ... of them: there may be tens of thousands. */
	if (!(memory->count & (memory->count - 1))) {
		size_t room = memory->count ? 2 * memory->count : 1;
		struct memory_segment *grown =
			reallocarray(memory->segments, room, sizeof(*segment));

		if (!grown)
			return -ENOMEM;
		memory->segments = grown;
	}
	memory->segments[memory->count++] = *segment;
	return 0;
}

int memory_open(const char *path, struct memory **ret, struct error *err)
{
	struct memory_segment all = { .count = FRAMES_MAX }; /* a device tells no size */
	struct memory *memory;
	struct stat st;
	/* O_SYNC would make the mapping of /dev/mem uncached. */
	int r = memory_create(path, O_RDWR, &memory, err);

	if (r < 0)
		return r;
	if (fstat(memory->fd, &st)) {
		r = error_errno(err, "cannot stat %s", path);
		goto out_close;
	}
	if (S_ISREG(st.st_mode))
		all.count = (uint64_t)st.st_size >> FRAME_SHIFT;
	if (memory_add_segment(memory, &all) < 0) {
		r = error_set(err, ENOMEM, "%s: out of memory", path);
		goto out_close;
	}
	*ret = memory;
	return 0;

out_close:
	memory_close(memory);
	return r;
}

void memory_close(struct memory *memory)
{
	if (!memory)
		return;
	if (memory->fd >= 0)
		close(memory->fd);
	free(memory->segments);
	free(memory->path);
	free(memory);
}

/* The file of the loop device that STATUS is of, if it is of one whose file has a name still. */
static void follow_loop(struct stat *status)
{
	char path[96], file[PATH_MAX];
	struct error ignored = { 0 };
	struct stat backing;

	for (int depth = 0; S_ISBLK(status->st_mode) && depth < LOOPS_MAX; depth++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/loop/backing_file",
			 major(status->st_rdev), minor(status->st_rdev));
		if (file_read(path, file, sizeof(file), &ignored))
			return;
		file[strcspn(file, "\n")] = '\0';
		if (stat(file, &backing))
			return;
		*status = backing;
	}
}

bool memory_is_read_from(const struct memory *memory, int fd)
{
	struct stat own, other;

	if (fstat(memory->fd, &own) || fstat(fd, &other))
		return false;
	/* A loop device is its file under another name. */
	follow_loop(&own);
	follow_loop(&other);
	return (own.st_dev == other.st_dev && own.st_ino == other.st_ino) ||
	       (S_ISBLK(own.st_mode) && S_ISBLK(other.st_mode) && own.st_rdev == other.st_rdev);
}

/* The segment that holds all of [PFN, PFN + COUNT): touching a page of a mapping beyond a file's
 * end is a SIGBUS, so that is told before. */
static int find_segment(const struct memory *memory, uint64_t pfn, uint64_t count,
			const struct memory_segment **ret, struct error *err)
{
	size_t low = 0, high = memory->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct memory_segment *segment = memory->segments + middle;

		if (pfn >= segment->pfn && pfn - segment->pfn >= segment->count) {
			low = middle + 1;
		} else if (pfn < segment->pfn) {
			high = middle;
		} else if (count <= segment->count - (pfn - segment->pfn)) {
			*ret = segment;
			return 0;
		} else {
			break;
		}
	}
	return error_set(err, EIO, "%s: frames %#llx+%#llx lie beyond its end", memory->path,
			 (unsigned long long)pfn, (unsigned long long)count);
}

static int read_frames(const struct memory *memory, uint64_t offset, size_t size, void *to,
		       struct error *err)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(memory->fd, (char *)to + done, size - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? error_errno(err, "cannot read %s", memory->path)
				     : error_set(err, EIO, "%s: ends too early", memory->path);
		done += n;
	}
	return 0;
}

/* A window's buffer of SIZE bytes; kept and reused, as it is warm. */
static int take_buffer(const struct memory *memory, size_t size, struct memory_window *window,
		       struct error *err)
{
	if (window->length < size) {
		void *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				    -1, 0);

		memory_unmap(window);
		if (buffer == MAP_FAILED)
			return error_errno(err, "%s: no memory to read %#zx bytes into",
					   memory->path, size);
		window->mapping = buffer;
		window->length = size;
	}
	window->base = window->mapping;
	return 0;
}

/* Where frame PFN of a segment is in the file. */
static uint64_t offset_of(const struct memory_segment *segment, uint64_t pfn)
{
	return segment->offset + ((pfn - segment->pfn) << FRAME_SHIFT);
}

/* The frames [PFN, PFN + COUNT) of the file, where one segment may follow the other. */
static int read_window(const struct memory *memory, uint64_t pfn, uint64_t count,
		       struct memory_window *window, struct error *err)
{
	int r = take_buffer(memory, count << FRAME_SHIFT, window, err);
	unsigned char *to = window->mapping;

	while (!r && count) {
		const struct memory_segment *segment;
		uint64_t n;

		r = find_segment(memory, pfn, 1, &segment, err);
		if (r)
			break;
		n = safe_min(count, segment->count - (pfn - segment->pfn));
		r = read_frames(memory, offset_of(segment, pfn), n << FRAME_SHIFT, to, err);
		pfn += n;
		count -= n;
		to += n << FRAME_SHIFT;
	}
	return r;
}

static int map_bytes(const struct memory *memory, uint64_t offset, size_t size, int protection,
		     struct memory_window *window, struct error *err)
{
	void *mapping = mmap(NULL, size, protection, MAP_SHARED, memory->fd, (off_t)offset);

	memory_unmap(window);
	if (mapping == MAP_FAILED)
		return error_errno(err, "%s: cannot map %#zx bytes at %#llx", memory->path, size,
				   (unsigned long long)offset);
	*window = (struct memory_window){ .mapping = mapping, .base = mapping, .length = size };
	return 0;
}

/* How many frames a window from PFN on maps: as many as asked, and ahead as far as is wise. */
static uint64_t window_frames(const struct memory_segment *segment, uint64_t pfn, uint64_t count,
			      uint64_t limit)
{
	uint64_t ahead = safe_min(limit - pfn, segment->count - (pfn - segment->pfn));

	ahead = safe_min(ahead, MEMORY_WINDOW_PAGES);
	ahead = safe_min(ahead, BORDER_FRAMES - pfn % BORDER_FRAMES);
	return ahead > count ? ahead : count;
}

/* *COUNT frames at least, and afterwards. */
static int map_window(const struct memory *memory, uint64_t pfn, uint64_t *count, uint64_t limit,
		      struct memory_window *window, struct error *err)
{
	const struct memory_segment *segment;
	int r = find_segment(memory, pfn, *count, &segment, err);

	if (r)
		return r;
	*count = window_frames(segment, pfn, *count, limit);
	return map_bytes(memory, offset_of(segment, pfn), *count << FRAME_SHIFT, PROT_READ, window,
			 err);
}

int memory_map(struct memory *memory, struct memory_window *window, uint64_t pfn, uint64_t count,
	       uint64_t limit, const void **ret, struct error *err)
{
	int r;

	if (!count || count > MEMORY_WINDOW_PAGES || pfn > limit || count > limit - pfn)
		return error_set(err, EINVAL, "%s: bad window %#llx+%#llx", memory->path,
				 (unsigned long long)pfn, (unsigned long long)count);
	if (window->base && pfn >= window->pfn && pfn - window->pfn <= window->count &&
	    count <= window->count - (pfn - window->pfn)) {
		*ret = window->base + ((pfn - window->pfn) << FRAME_SHIFT);
		return 0;
	}

	if (memory->by_read)
		r = read_window(memory, pfn, count, window, err);
	else
		r = map_window(memory, pfn, &count, limit, window, err);
	if (r) {
		memory_unmap(window);
		return r;
	}
	window->pfn = pfn;
	window->count = count;
	*ret = window->base;
	return 0;
}

void memory_unmap(struct memory_window *window)
{
	if (window->mapping)
		munmap(window->mapping, window->length);
	*window = (struct memory_window){ 0 };
}

int memory_map_rw(struct memory *memory, uint64_t address, size_t size, void **ret,
		  struct error *err)
{
	const struct memory_segment *segment;
	struct memory_window window = { 0 };
	int r;

	if (!size || address % FRAME_SIZE || size % FRAME_SIZE)
		return error_set(err, EINVAL, "%s: bad mapping %#llx+%#zx", memory->path,
				 (unsigned long long)address, size);
	r = find_segment(memory, address >> FRAME_SHIFT, size >> FRAME_SHIFT, &segment, err);
	if (r)
		return r;
	r = map_bytes(memory, offset_of(segment, address >> FRAME_SHIFT), size,
		      PROT_READ | PROT_WRITE, &window, err);
	if (r == 0)
		*ret = window.mapping;
	return r;
}
