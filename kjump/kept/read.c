/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading kernel B's memory from a file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/crc32c.h"
#include "common/safe.h"
#include "image/codec.h"
#include "kjump/kept/file.h"

#define CHUNK_SIZE  (IMAGE_CHUNK_PAGES * FRAME_SIZE)
#define PAGES_MAX   (UINT64_C(1) << (32 - FRAME_SHIFT)) /* kernel B lives below 4 GiB */
#define THREADS_MAX 16
#define HOME_ALIGN  UINT64_C(0x200000)

static int damaged(struct error *err, const char *what)
{
	return error_set(err, EUCLEAN, "damaged: %s", what);
}

static int read_at(int fd, void *bytes, size_t size, uint64_t offset, struct error *err)
{
	while (size) {
		ssize_t done = pread(fd, bytes, size, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_errno(err, "cannot read");
		if (!done)
			return damaged(err, "cut short");
		bytes = (char *)bytes + done;
		offset += (uint64_t)done;
		size -= (size_t)done;
	}
	return 0;
}

/* As jump_load() wants it. */
static bool is_home(uint64_t start, uint64_t size)
{
	const uint64_t end = PAGES_MAX << FRAME_SHIFT;

	return start && size > HEAD_SIZE && start % HOME_ALIGN == 0 && size % HOME_ALIGN == 0 &&
	       start < end && size <= end - start;
}

static int check_head(const struct kept_head *head, struct error *err)
{
	static const uint8_t zeros[sizeof(head->reserved1)];
	struct kept_head copy = *head;

	if (memcmp(head->magic, KEPT_MAGIC, sizeof(head->magic)) != 0)
		return damaged(err, "no head");
	if (head->version != KEPT_VERSION)
		return error_set(err, ENOTSUP, "version %u, this program has %d", head->version,
				 KEPT_VERSION);
	copy.crc = 0;
	if (head->crc != crc32c(0, &copy, sizeof(copy)))
		return damaged(err, "checksum of the head");
	if (head->abi != ABI_VERSION)
		return error_set(err, ENOTSUP, "made by another version of kjump");
	if (head->reserved0 || memcmp(head->reserved1, zeros, sizeof(zeros)) != 0 ||
	    !head->run_count || head->run_count > PAGES_MAX || !head->chunk_count ||
	    head->chunk_count > PAGES_MAX || head->lists < KEPT_SIZE ||
	    !is_home(head->identity.home_start, head->identity.home_size) ||
	    head->identity.flags & ~(uint64_t)KEPT_RESERVED)
		return damaged(err, "head");
	return 0;
}

static int check_chunks(const struct kept_head *head, const struct kept_chunk *chunks,
			uint64_t *pages, struct error *err)
{
	uint64_t offset = KEPT_SIZE;

	*pages = 0;
	for (uint64_t i = 0; i < head->chunk_count; i++) {
		const struct kept_chunk *chunk = &chunks[i];

		if (chunk->offset != offset || !chunk->stored || chunk->stored > 2 * CHUNK_SIZE ||
		    !chunk->pages || chunk->pages > IMAGE_CHUNK_PAGES)
			return damaged(err, "list of chunks");
		offset += chunk->stored;
		*pages += chunk->pages;
	}
	return offset == head->lists ? 0 : damaged(err, "list of chunks");
}

static int check_lists(const struct kept_file *file, struct error *err)
{
	const struct kept_head *head = &file->head;
	uint64_t chunk_pages, pages = 0, next = 0, hash;
	int ret;

	hash = XXH3_64bits_withSeed(file->chunks, head->chunk_count * sizeof(*file->chunks),
				    XXH3_64bits(file->runs, head->run_count * sizeof(*file->runs)));
	if (hash != head->lists_hash)
		return damaged(err, "checksum of the lists");
	ret = check_chunks(head, file->chunks, &chunk_pages, err);
	if (ret)
		return ret;
	for (uint64_t i = 0; i < head->run_count; i++) {
		const struct run *run = &file->runs[i];

		if (run->pfn < next || !run->count || run->pfn >= PAGES_MAX ||
		    run->count > PAGES_MAX - run->pfn)
			return damaged(err, "list of pages");
		next = run->pfn + run->count;
		pages += run->count;
	}
	return pages == chunk_pages ? 0 : damaged(err, "number of pages");
}

static int read_lists(struct kept_file *file, uint64_t size, struct error *err)
{
	const struct kept_head *head = &file->head;
	const size_t runs_size = head->run_count * sizeof(*file->runs);
	const size_t chunks_size = head->chunk_count * sizeof(*file->chunks);
	int ret;

	if (head->lists > size || size - head->lists != runs_size + chunks_size)
		return damaged(err, "size");
	file->runs = malloc(runs_size);
	file->chunks = malloc(chunks_size);
	if (!file->runs || !file->chunks)
		return error_set(err, ENOMEM, "out of memory");
	ret = read_at(file->fd, file->runs, runs_size, head->lists, err);
	if (!ret)
		ret = read_at(file->fd, file->chunks, chunks_size, head->lists + runs_size, err);
	return ret ? ret : check_lists(file, err);
}

/* It becomes a kernel: nobody else may have had a hand in it. */
static int check_owner(int fd, uint64_t *size, struct error *err)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return error_errno(err, "cannot look at it");
	if (!S_ISREG(stat.st_mode))
		return error_set(err, EPERM, "not a file");
	if (stat.st_uid != geteuid() || stat.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, EPERM, "others may write to it");
	*size = (uint64_t)stat.st_size;
	return 0;
}

int kept_open_descriptor(int fd, struct kept_file *ret, struct error *err)
{
	uint64_t size = 0;
	int status;

	*ret = (struct kept_file){ .fd = fd };
	status = check_owner(fd, &size, err);
	if (!status)
		status = read_at(fd, &ret->head, sizeof(ret->head), 0, err);
	if (!status)
		status = check_head(&ret->head, err);
	if (!status)
		status = read_lists(ret, size, err);
	if (status)
		kept_close(ret);
	return status;
}

int kept_open(const char *path, struct kept_file *ret, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	*ret = (struct kept_file){ .fd = -1 };
	if (fd < 0)
		return error_errno(err, "%s", path);
	return kept_open_descriptor(fd, ret, err) ? error_prefix(err, "%s", path) : 0;
}

void kept_close(struct kept_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->runs);
	free(file->chunks);
	*file = (struct kept_file){ .fd = -1 };
}

/* --- pages, by several threads --- */

struct reading {
	const struct kept_file *file;
	const struct kept_place *places;
	unsigned place_count;
	atomic_uint_fast64_t next; /* chunk that nobody has taken */
	atomic_bool failed;
	/* Where each chunk's pages begin: the run, and the page in it. */
	struct run *starts;
};

static unsigned char *place_of(const struct reading *reading, uint64_t pfn, uint64_t *left)
{
	for (unsigned i = 0; i < reading->place_count; i++) {
		const struct kept_place *place = &reading->places[i];

		if (pfn >= place->pfn && pfn - place->pfn < place->count) {
			*left = place->count - (pfn - place->pfn);
			return place->bytes + (pfn - place->pfn) * FRAME_SIZE;
		}
	}
	return NULL;
}

static int scatter(const struct reading *reading, uint64_t number, const unsigned char *pages,
		   struct error *err)
{
	const struct run *run = &reading->file->runs[reading->starts[number].pfn];
	uint64_t skip = reading->starts[number].count;
	uint64_t todo = reading->file->chunks[number].pages;

	for (; todo; run++, skip = 0) {
		uint64_t pfn = run->pfn + skip, count = run->count - skip;

		while (count && todo) {
			uint64_t left, now = count < todo ? count : todo;
			unsigned char *bytes = place_of(reading, pfn, &left);

			if (!bytes)
				return damaged(err, "a page that is not kernel B's");
			now = now < left ? now : left;
			memcpy(bytes, pages, now * FRAME_SIZE);
			pages += now * FRAME_SIZE;
			pfn += now;
			count -= now;
			todo -= now;
		}
	}
	return 0;
}

struct buffers {
	struct codec_context *codec;
	unsigned char *pages, *packed;
};

static int read_chunk(const struct reading *reading, uint64_t number, struct buffers *buffers,
		      struct error *err)
{
	const struct kept_chunk *chunk = &reading->file->chunks[number];
	const size_t size = chunk->pages * (size_t)FRAME_SIZE;
	int ret = read_at(reading->file->fd, buffers->packed, chunk->stored, chunk->offset, err);

	if (ret)
		return ret;
	if (codec_find(CODEC_ZSTD)
		    ->decompress(buffers->codec, buffers->pages, size, buffers->packed,
				 chunk->stored) ||
	    XXH3_64bits(buffers->pages, size) != chunk->hash)
		return damaged(err, "checksum of pages");
	return scatter(reading, number, buffers->pages, err);
}

static int read_chunks(struct reading *reading, struct error *err)
{
	struct buffers buffers = { .codec = codec_context_create(1),
				   .pages = malloc(CHUNK_SIZE),
				   .packed = malloc(2 * (size_t)CHUNK_SIZE) };
	uint64_t number;
	int ret = 0;

	if (!buffers.codec || !buffers.pages || !buffers.packed)
		ret = error_set(err, ENOMEM, "out of memory");
	while (!ret && !atomic_load(&reading->failed)) {
		number = atomic_fetch_add(&reading->next, 1);
		if (number >= reading->file->head.chunk_count)
			break;
		ret = read_chunk(reading, number, &buffers, err);
	}
	if (ret)
		atomic_store(&reading->failed, true);
	codec_context_free(buffers.codec);
	free(buffers.pages);
	free(buffers.packed);
	return ret;
}

struct helper {
	pthread_t thread;
	struct reading *reading;
	struct error err;
	int ret;
};

static void *help(void *context)
{
	struct helper *helper = context;

	helper->ret = read_chunks(helper->reading, &helper->err);
	return NULL;
}

/* Threads that cannot be had are done without. */
static int read_with_helpers(struct reading *reading, unsigned threads, struct error *err)
{
	struct helper helpers[THREADS_MAX] = { 0 };
	unsigned started = 0;
	int ret;

	while (started < THREADS_MAX && started + 1 < threads) {
		helpers[started].reading = reading;
		if (pthread_create(&helpers[started].thread, NULL, help, &helpers[started]))
			break;
		started++;
	}
	ret = read_chunks(reading, err);
	for (unsigned i = 0; i < started; i++) {
		pthread_join(helpers[i].thread, NULL);
		if (!ret && helpers[i].ret) {
			ret = helpers[i].ret;
			*err = helpers[i].err;
		}
	}
	return ret;
}

int kept_read(const struct kept_file *file, const struct kept_place *places, unsigned count,
	      unsigned threads, struct error *err)
{
	struct reading reading = { .file = file, .places = places, .place_count = count };
	uint64_t run = 0, skip = 0;
	int ret;

	reading.starts = calloc(file->head.chunk_count, sizeof(*reading.starts));
	if (!reading.starts)
		return error_set(err, ENOMEM, "out of memory");
	/* As many pages are in the runs as in the chunks: kept_open() has seen to that. */
	for (uint64_t i = 0; i < file->head.chunk_count; i++) {
		uint64_t pages = file->chunks[i].pages;

		reading.starts[i] = (struct run){ run, skip };
		while (pages && pages >= file->runs[run].count - skip) {
			pages -= file->runs[run++].count - skip;
			skip = 0;
		}
		skip += pages;
	}
	ret = read_with_helpers(&reading, threads, err);
	free(reading.starts);
	return ret;
}
