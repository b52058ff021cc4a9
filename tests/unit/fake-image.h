/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine made up from a number: what each frame holds and which list it belongs to follows from
 * its PFN and the seed, so that an image can be checked against nothing but the seed.
 */
#ifndef TESTS_FAKE_IMAGE_H
#define TESTS_FAKE_IMAGE_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "common/crc32c.h"
#include "image/image.h"
#include "temp-disk.h"

struct fake {
	uint32_t seed;
	uint32_t frames;		 /* half of them from frame 16, half from frame 100000 */
	unsigned chunk_pages;		 /* pages in each chunk */
	bool incompressible;		 /* all data random */
	const struct request_seal *seal; /* NULL: not sealed */
	const struct opener *opener;	 /* that reads it */
};

enum fake_kind { FAKE_DATA, FAKE_ZERO, FAKE_FREE, FAKE_UNTOUCHABLE, FAKE_HOME };

static inline uint64_t fake_pfn(const struct fake *fake, uint32_t i)
{
	return i < fake->frames / 2 ? 16 + i : 100000 + i - fake->frames / 2;
}

static inline uint64_t fake_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline enum fake_kind fake_kind(const struct fake *fake, uint64_t pfn)
{
	uint32_t key[2] = { fake->seed, pfn / 3 }; /* some runs, some single frames */
	uint32_t hash = crc32c(0, key, sizeof(key));

	return fake->incompressible || hash % 16 > 3 ? FAKE_DATA : FAKE_ZERO + hash % 16;
}

static inline void fake_page(const struct fake *fake, uint64_t pfn, unsigned char *page)
{
	uint64_t state = (pfn << 32) + fake->seed + 1;

	if (!fake->incompressible && pfn % 3 == 0) {
		memset(page, pfn, FRAME_SIZE);
		memcpy(page, &state, sizeof(state));
	} else if (!fake->incompressible && pfn % 3 == 1) {
		for (int i = 0; i < FRAME_SIZE; i++)
			page[i] = "kjump "[i % 6] + (i / 100) % 7;
		memcpy(page + 2000, &state, sizeof(state));
	} else {
		for (int i = 0; i < FRAME_SIZE; i += 8) {
			uint64_t word = fake_random(&state);

			memcpy(page + i, &word, sizeof(word));
		}
	}
}

/* All lists but chunks and data, and DATA for whoever writes the chunks. */
static inline void fake_index(const struct fake *fake, struct image_index *index, struct runs *data)
{
	struct runs *lists[] = { data, &index->zero, &index->free, &index->untouchable,
				 &index->home };

	memset(index, 0, sizeof(*index));
	memset(data, 0, sizeof(*data));
	index->machine.entry = 0x123456;
	strcpy(index->machine.release, "6.12.0-fake");
	for (uint32_t i = 0; i < fake->frames; i++) {
		uint64_t pfn = fake_pfn(fake, i);

		assert_int_equal(runs_add(&index->ram, pfn, 1), 0);
		assert_int_equal(runs_add(lists[fake_kind(fake, pfn)], pfn, 1), 0);
	}
	index->firmware_count = 2;
	index->firmware = calloc(2, sizeof(*index->firmware));
	index->firmware[1] = (struct firmware_range){ .start = 65536, .size = 4096, .type = 2 };
	index->watch_count = 1;
	index->watch = calloc(1, sizeof(*index->watch));
	strcpy(index->watch->extent.tag, "PARTUUID=0815");
	index->pci_count = 2;
	index->pci = calloc(2, sizeof(*index->pci));
	index->pci[1].vendor = 0x8086;
	strcpy(index->pci[1].driver, "ahci");
	index->disk_count = 1;
	index->disks = calloc(1, sizeof(*index->disks));
	index->disks->flags = DISK_IN_USE;
	strcpy(index->disks->place, "0000:00:03.0/virtio");
	index->efi_count = 1;
	index->efi = calloc(1, sizeof(*index->efi));
	index->efi->pages = 48;
	index->vmcoreinfo = strdup("OSRELEASE=6.12.0-fake\n");
}

struct fake_job {
	const struct fake *fake;
	struct image_writer *writer;
	const struct runs *data;
	atomic_uint next; /* frame of the data, by number */
	atomic_int code;
};

/* The frames [FIRST, FIRST + COUNT) of the list. */
static inline void fake_slice(const struct runs *data, uint64_t first, uint64_t count,
			      struct runs *ret)
{
	for (size_t i = 0; i < data->n && count; i++) {
		uint64_t n = data->v[i].count;

		if (first >= n) {
			first -= n;
			continue;
		}
		n = n - first < count ? n - first : count;
		assert_int_equal(runs_add(ret, data->v[i].pfn + first, n), 0);
		count -= n;
		first = 0;
	}
}

static inline void *fake_worker(void *argument)
{
	struct fake_job *job = argument;
	struct image_scratch *scratch = image_scratch_create(1);
	unsigned char *bytes = malloc(IMAGE_CHUNK_PAGES * FRAME_SIZE);
	uint64_t total = runs_total(job->data);
	int code = 0;

	while (!code) {
		struct runs slice = { .n = 0 };
		struct error err = { .code = 0 };
		uint64_t first = atomic_fetch_add(&job->next, job->fake->chunk_pages);
		unsigned pages = 0;

		if (first >= total)
			break;
		fake_slice(job->data, first, job->fake->chunk_pages, &slice);
		for (size_t i = 0; i < slice.n; i++)
			for (uint64_t k = 0; k < slice.v[i].count; k++)
				fake_page(job->fake, slice.v[i].pfn + k,
					  bytes + (size_t)pages++ * FRAME_SIZE);
		code = image_writer_chunk(job->writer, scratch, bytes, pages, &slice, &err);
		runs_free(&slice);
	}
	if (code)
		atomic_store(&job->code, code);
	image_scratch_free(scratch);
	free(bytes);
	return NULL;
}

/* All chunks of the machine, by so many threads. */
static inline int fake_write_chunks(const struct fake *fake, struct image_writer *writer,
				    const struct runs *data, unsigned threads)
{
	struct fake_job job = { .fake = fake, .writer = writer, .data = data };
	pthread_t ids[8];

	for (unsigned i = 1; i < threads; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, fake_worker, &job), 0);
	fake_worker(&job);
	for (unsigned i = 1; i < threads; i++)
		pthread_join(ids[i], NULL);
	return job.code;
}

static inline int fake_write(const struct fake *fake, const struct disk *disk, uint32_t kind,
			     unsigned threads, struct image_super *ret, struct error *err)
{
	struct image_writer *writer;
	struct image_index index;
	struct runs data;
	int code = image_writer_open(disk, &writer, err);

	if (code)
		return code;
	fake_index(fake, &index, &data);
	if (fake->seal)
		code = image_writer_seal(writer, fake->seal, 0, err);
	if (!code)
		code = fake_write_chunks(fake, writer, &data, threads);
	if (!code)
		code = image_writer_commit(writer, &index, kind, ret, err);
	image_writer_free(writer);
	image_index_free(&index);
	runs_free(&data);
	return code;
}

struct fake_check {
	const struct fake *fake;
	atomic_uint pages;
};

static inline int fake_sink(void *context, size_t number, const struct image_chunk *chunk,
			    const struct run *runs, const void *pages, struct error *err)
{
	struct fake_check *check = context;
	const unsigned char *page = pages;
	unsigned char expected[FRAME_SIZE];

	(void)number;
	for (uint32_t i = 0; i < chunk->run_count; i++)
		for (uint64_t k = 0; k < runs[i].count; k++, page += FRAME_SIZE) {
			fake_page(check->fake, runs[i].pfn + k, expected);
			if (memcmp(page, expected, FRAME_SIZE))
				return error_set(err, EILSEQ, "another page than was written");
			if (fake_kind(check->fake, runs[i].pfn + k) != FAKE_DATA)
				return error_set(err, EILSEQ, "no data page");
		}
	atomic_fetch_add(&check->pages, chunk->pages);
	return 0;
}

/* Does the device hold this machine, byte for byte? */
static inline void fake_assert(const struct fake *fake, const struct disk *disk, uint32_t state,
			       unsigned workers)
{
	struct fake_check check = { .fake = fake };
	struct image_index index = { .chunk_count = 0 };
	struct image_super super;
	struct error err = { .code = 0 };

	if (image_super_read(disk, &super, &err) ||
	    image_verify(disk, &super, fake->opener, workers, NULL, &err) ||
	    image_index_read(disk, &super, fake->opener, &index, &err) ||
	    image_read_chunks(disk, &index, workers,
			      &(struct image_sink){ .take = fake_sink, .context = &check }, &err))
		fail_msg("%s", err.text);
	assert_int_equal(super.state, state);
	assert_int_equal(check.pages, super.data_pages);
	assert_int_equal(super.ram_pages, fake->frames);
	image_index_free(&index);
}

#endif
