/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzzing targets share. Each is one file with fuzz_run(), which must neither crash nor
 * leak whatever it is given (libFuzzer or AFL++ watches, with ASan and UBSan), and fuzz_seed(),
 * inputs that are taken for good, so that the search begins behind the magic numbers.
 *
 * `fuzz_X --seeds FOLDER` writes them there, for both to begin with.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/error.h"
#include "disk/disk.h"

/* Libfuzzer's side. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_SEED_MAX 12288

/*
 * Write the good input NUMBER to DATA; returns its size, at most FUZZ_SEED_MAX, or 0 when there are
 * no more of them.
 */
static size_t fuzz_seed(unsigned number, uint8_t *data);

/* Do with the input what the programs do with such a thing. Was it taken for good, to the end? */
static bool fuzz_run(const uint8_t *data, size_t size);

#ifndef __AFL_COMPILER
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	(void)seed;
	/* Libfuzzer begins with nothing, or one byte. */
	if (size < 2 && max >= FUZZ_SEED_MAX)
		return fuzz_seed(0, data);
	return LLVMFuzzerMutate(data, size, max);
}
#endif

static void fuzz_write_seed(const char *folder, unsigned number, const void *bytes, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/seed-%u", folder, number);
	file = fopen(path, "we");
	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file)) {
		perror(path);
		exit(1);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *folder = *argc == 3 && !strcmp((*argv)[1], "--seeds") ? (*argv)[2] : NULL;
	static uint8_t seed[FUZZ_SEED_MAX];
	size_t size;

	for (unsigned number = 0; (size = fuzz_seed(number, seed)); number++) {
		if (!fuzz_run(seed, size)) {
			fprintf(stderr,
				"fuzz: seed %u is refused; nothing behind that would be tried\n",
				number);
			exit(1);
		}
		if (folder)
			fuzz_write_seed(folder, number, seed, size);
	}
	if (folder)
		exit(0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_run(data, size);
	return 0;
}

/* An input that is read from its front; behind its end there are zeros. */
struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

static inline void fuzz_take(struct fuzz_input *input, void *ret, size_t size)
{
	size_t n = size < input->size ? size : input->size;

	memset(ret, 0, size);
	memcpy(ret, input->data, n);
	input->data += n;
	input->size -= n;
}

static inline uint8_t fuzz_u8(struct fuzz_input *input)
{
	uint8_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input)
{
	uint16_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

static inline uint64_t fuzz_u64(struct fuzz_input *input)
{
	uint64_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

/*
 * A failure is a negative errno value that stands in the error too, with a text. Returns whether it
 * was none.
 */
static inline bool fuzz_good(int code, const struct error *err)
{
	if (code && (code > 0 || code != -err->code || !err->text[0]))
		abort();
	return !code;
}

/* A file without a name; PATH is where this process finds it. */
static inline int fuzz_file(char path[40])
{
	int fd = memfd_create("fuzz", 0);

	if (fd < 0)
		abort();
	snprintf(path, 40, "/proc/self/fd/%d", fd);
	return fd;
}

/* A disk of SIZE bytes, all zero. Whoever asked closes it and the descriptor that is returned. */
static inline int fuzz_disk(uint64_t size, struct disk *ret)
{
	struct error err;
	char path[40];
	int fd = fuzz_file(path);

	if (ftruncate(fd, (off_t)size) || disk_open(path, DISK_WRITE, ret, &err))
		abort();
	return fd;
}

static inline void fuzz_write(int fd, const void *bytes, size_t size, uint64_t offset)
{
	if (pwrite(fd, bytes, size, (off_t)offset) != (ssize_t)size)
		abort();
}

#endif
