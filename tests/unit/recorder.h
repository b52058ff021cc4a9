/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every write and flush that reaches a disk in a file, and what that disk may hold when the power
 * goes at any moment: what a flush has made sure of, and of everything else any sectors, whole or
 * torn.
 *
 * The test is linked with --wrap=pwrite64 and --wrap=fdatasync: what is recorded is what the
 * programs ask the kernel for, whichever of their threads does it.
 */
#ifndef TESTS_RECORDER_H
#define TESTS_RECORDER_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "tests/unit/temp-disk.h"

#define SECTOR 512

/* BEGIN and END are moments; of two that overlap, nobody knows which came first. */
struct recorded {
	bool flush;
	unsigned char *bytes;
	uint64_t offset;
	size_t size;
	unsigned begin, end;
};

struct recorder {
	const struct temp_disk *temp;
	unsigned char *map;  /* the disk's content */
	unsigned char *base; /* as it was when recording began */
	pthread_mutex_t lock;
	bool on;
	unsigned now;
	int ignore; /* number of a flush that does nothing, to see that this is found; or -1 */
	int flushes;
	struct recorded *v;
	size_t n, capacity;
};

static struct recorder recorder = { .lock = PTHREAD_MUTEX_INITIALIZER };

ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off64_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off64_t offset);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static inline bool recorder_sees(int fd)
{
	struct stat disk, other;

	return recorder.on && !fstat(recorder.temp->fd, &disk) && !fstat(fd, &other) &&
	       disk.st_dev == other.st_dev && disk.st_ino == other.st_ino;
}

/* The number of the new entry. */
static inline size_t recorder_begin_entry(struct recorded entry)
{
	size_t number;

	pthread_mutex_lock(&recorder.lock);
	if (recorder.n == recorder.capacity) {
		recorder.capacity = recorder.capacity ? 2 * recorder.capacity : 64;
		recorder.v = realloc(recorder.v, recorder.capacity * sizeof(*recorder.v));
		assert_non_null(recorder.v);
	}
	number = recorder.n++;
	entry.begin = ++recorder.now;
	recorder.v[number] = entry;
	pthread_mutex_unlock(&recorder.lock);
	return number;
}

static inline void recorder_end_entry(size_t number)
{
	pthread_mutex_lock(&recorder.lock);
	recorder.v[number].end = ++recorder.now;
	pthread_mutex_unlock(&recorder.lock);
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	struct recorded entry = { .offset = (uint64_t)offset, .size = size };
	ssize_t done;
	size_t number;

	if (!recorder_sees(fd))
		return __real_pwrite64(fd, bytes, size, offset);
	assert_true(size % SECTOR == 0 && offset % SECTOR == 0);
	entry.bytes = malloc(size);
	memcpy(entry.bytes, bytes, size);
	number = recorder_begin_entry(entry);
	done = __real_pwrite64(fd, bytes, size, offset);
	assert_int_equal(done, size);
	recorder_end_entry(number);
	return done;
}

int __wrap_fdatasync(int fd)
{
	size_t number;
	int code;

	if (!recorder_sees(fd))
		return __real_fdatasync(fd);
	if (recorder.flushes++ == recorder.ignore)
		return 0;
	number = recorder_begin_entry((struct recorded){ .flush = true });
	code = __real_fdatasync(fd);
	recorder_end_entry(number);
	return code;
}

static inline void recorder_start(void)
{
	recorder.now = 0;
	recorder.flushes = 0;
	recorder.on = true;
}

static inline void recorder_stop(void)
{
	recorder.on = false;
}

/* Forget what was recorded: what the disk holds now is where the next recording begins. */
static inline void recorder_clear(void)
{
	for (size_t i = 0; i < recorder.n; i++) {
		const struct recorded *write = &recorder.v[i];

		if (!write->flush)
			memcpy(recorder.base + write->offset, recorder.map + write->offset,
			       write->size);
		free(write->bytes);
	}
	recorder.n = 0;
}

static inline void recorder_create(const struct temp_disk *temp)
{
	recorder.temp = temp;
	recorder.ignore = -1;
	recorder.map = mmap(NULL, temp->disk.size, PROT_READ | PROT_WRITE, MAP_SHARED, temp->fd, 0);
	assert_true(recorder.map != MAP_FAILED);
	recorder.base = malloc(temp->disk.size);
	memcpy(recorder.base, recorder.map, temp->disk.size);
}

static inline void recorder_remove(void)
{
	recorder_clear();
	munmap(recorder.map, recorder.temp->disk.size);
	free(recorder.base);
	free(recorder.v);
	recorder.v = NULL;
	recorder.capacity = 0;
}

/* --- what may be left ----------------------------------------------------------------------- */

/* Is the write on the medium, whatever happens, at the moment NOW? */
static inline bool recorder_is_sure(const struct recorded *write, unsigned now)
{
	for (size_t i = 0; i < recorder.n; i++) {
		const struct recorded *flush = &recorder.v[i];

		if (flush->flush && write->end && write->end < flush->begin && flush->end <= now)
			return true;
	}
	return false;
}

/* What becomes of a sector that is unsure: a disk may also lose power in the middle of it. */
enum fate { LOST, KEPT, TORN };

struct unsure {
	const struct recorded *write;
	size_t at; /* bytes, in the write */
};

/* A moment at which the power goes. */
struct cut {
	unsigned now;
	struct unsure *unsure; /* in the order of their writes */
	size_t count;
};

static inline void cut_add(struct cut *cut, const struct recorded *write, bool *written)
{
	cut->unsure =
		reallocarray(cut->unsure, cut->count + write->size / SECTOR, sizeof(*cut->unsure));
	assert_non_null(cut->unsure);
	for (size_t at = 0; at < write->size; at += SECTOR) {
		uint64_t place = write->offset + at;

		if (!written[place / SECTOR] &&
		    !memcmp(recorder.map + place, write->bytes + at, SECTOR))
			continue;
		written[place / SECTOR] = true;
		cut->unsure[cut->count++] = (struct unsure){ write, at };
	}
}

/*
 * Put the disk into the state in which nothing that is unsure has survived; fills in CUT, without
 * those sectors that would not change anything.
 */
static inline void cut_begin(struct cut *cut, unsigned now)
{
	bool *written = calloc(recorder.temp->disk.size / SECTOR, sizeof(*written));

	assert_non_null(written);
	*cut = (struct cut){ .now = now };
	for (size_t i = 0; i < recorder.n; i++)
		memcpy(recorder.map + recorder.v[i].offset, recorder.base + recorder.v[i].offset,
		       recorder.v[i].size);
	for (size_t i = 0; i < recorder.n; i++) {
		const struct recorded *write = &recorder.v[i];

		if (!write->flush && write->begin <= now && recorder_is_sure(write, now))
			memcpy(recorder.map + write->offset, write->bytes, write->size);
	}
	for (size_t i = 0; i < recorder.n; i++) {
		const struct recorded *write = &recorder.v[i];

		if (!write->flush && write->begin <= now && !recorder_is_sure(write, now))
			cut_add(cut, write, written);
	}
	free(written);
}

/* FATES of the unsure sectors, and back. BEFORE is for what was there. */
static inline void cut_apply(const struct cut *cut, const unsigned char *fates,
			     unsigned char (*before)[SECTOR])
{
	for (size_t i = 0; i < cut->count; i++) {
		const struct unsure *unsure = &cut->unsure[i];
		unsigned char *place = recorder.map + unsure->write->offset + unsure->at;

		if (fates[i] == LOST)
			continue;
		memcpy(before[i], place, SECTOR);
		memcpy(place, unsure->write->bytes + unsure->at, SECTOR);
		for (size_t k = SECTOR / 3; fates[i] == TORN && k < SECTOR; k++)
			place[k] ^= (unsigned char)(k * 151 + 1);
	}
}

static inline void cut_revert(const struct cut *cut, const unsigned char *fates,
			      unsigned char (*before)[SECTOR])
{
	for (size_t i = cut->count; i-- > 0;) {
		const struct unsure *unsure = &cut->unsure[i];

		if (fates[i] != LOST)
			memcpy(recorder.map + unsure->write->offset + unsure->at, before[i],
			       SECTOR);
	}
}

static inline void cut_end(struct cut *cut)
{
	free(cut->unsure);
}

#endif
