/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader: every worker takes the next chunk, reads it, checks it, decompresses it and hands it
 * to the sink. Chunks are numbered as they lie on the device, so that the workers together read
 * ahead in order, with one read each in flight. A chunk is decompressed where its pages are wanted,
 * if they are wanted in one piece.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/pagehash.h"
#include "image/codec.h"
#include "image/internal.h"

#define CHUNK_BYTES (IMAGE_CHUNK_PAGES * FRAME_SIZE)
#define WORKERS_MAX 256

struct reader {
	const struct disk *disk;
	const struct image_index *index;
	const struct image_sink *sink;
	atomic_size_t next; /* chunk that nobody took yet */
	atomic_bool stop;
	pthread_mutex_t lock; /* guards error and code */
	struct error error;
	int code;
};

struct worker {
	unsigned char *stored, *buffer; /* of a chunk each */
	struct codec_context *codec;
	struct aead *aead;
};

static void worker_free(struct worker *worker)
{
	aead_free(worker->aead);
	free(worker->stored);
	free(worker->buffer);
	codec_context_free(worker->codec);
}

static int worker_init(struct worker *worker, struct error *err)
{
	worker->stored = disk_buffer(CHUNK_BYTES);
	worker->buffer = disk_buffer(CHUNK_BYTES);
	worker->codec = codec_context_create(1);
	worker->aead = aead_create();
	if (worker->stored && worker->buffer && worker->codec && worker->aead)
		return 0;
	worker_free(worker);
	return error_set(err, ENOMEM, "no memory for reading");
}

/* The record of a chunk says nothing that could not be. */
static bool is_possible(const struct reader *reader, const struct image_chunk *chunk)
{
	return codec_find(chunk->codec) && chunk->all_pages <= IMAGE_CHUNK_PAGES &&
	       chunk->pages <= chunk->all_pages && chunk->key <= reader->index->key_count &&
	       chunk->stored <= (uint64_t)chunk->all_pages * FRAME_SIZE &&
	       safe_within(chunk->first_run, chunk->run_count, reader->index->data.n);
}

/* The tag takes the place of the checksum. */
static bool unseal(struct worker *worker, const struct image_chunk *chunk,
		   const struct image_key *key)
{
	uint8_t tag[IMAGE_TAG];
	struct aead_place place;

	index_place_chunk(chunk, &place);
	index_get_tag(chunk->stored_hash, chunk->stored_rest, tag);
	return aead_open(worker->aead, key, &place, worker->stored, chunk->stored, tag);
}

static int read_stored(const struct reader *reader, struct worker *worker,
		       const struct image_chunk *chunk, struct error *err)
{
	const struct image_key *key = index_key(reader->index, chunk->key);
	size_t padded = safe_round_up(chunk->stored, IMAGE_BLOCK);
	int code = disk_read(reader->disk, worker->stored, padded, chunk->offset, err);

	if (code)
		return code;
	if (!key && bytes_hash(worker->stored, chunk->stored) != chunk->stored_hash)
		return error_set(err, EUCLEAN, "checksum mismatch");
	if (key && !unseal(worker, chunk, key))
		return error_set(err, EUCLEAN,
				 "changed after it was sealed, or put here from elsewhere");
	if (!safe_is_zero(worker->stored + chunk->stored, padded - chunk->stored))
		return error_set(err, EUCLEAN, "padding is not zero");
	return 0;
}

/* The pages that the image uses, from the front on; ALL and USED may be the same. */
static void pick_used(const struct image_chunk *chunk, const unsigned char *all,
		      unsigned char *used)
{
	for (uint32_t i = 0, n = 0; i < chunk->all_pages && n < chunk->pages; i++) {
		const unsigned char *page = all + (size_t)i * FRAME_SIZE;
		unsigned char *to = used + (size_t)n * FRAME_SIZE;

		if (!(chunk->used[i / 64] >> i % 64 & 1))
			continue;
		if (to != page)
			memcpy(to, page, FRAME_SIZE);
		n++;
	}
}

/* Of a chunk that is not used as a whole, all must be there before a part can be taken. */
static int decompress(const struct reader *reader, struct worker *worker,
		      const struct image_chunk *chunk, void *pages, struct error *err)
{
	const struct codec *codec = codec_find(chunk->codec);
	size_t size = (size_t)chunk->all_pages * FRAME_SIZE;
	bool part = chunk->pages < chunk->all_pages;
	void *to = part ? worker->buffer : pages;

	if (codec->decompress(worker->codec, to, size, worker->stored, chunk->stored))
		return error_set(err, EUCLEAN, "cannot be decompressed (%s)", codec->name);
	if (part)
		pick_used(chunk, worker->buffer, pages);
	if (!reader->sink->checks_pages && page_hash(0, pages, chunk->pages) != chunk->page_hash)
		return error_set(err, EUCLEAN, "checksum of the pages is wrong");
	return 0;
}

static int handle_chunk(struct reader *reader, struct worker *worker, size_t number,
			struct error *err)
{
	const struct image_chunk *chunk = &reader->index->chunks[number];
	const struct image_sink *sink = reader->sink;
	void *pages = NULL;
	int code;

	if (!is_possible(reader, chunk))
		code = error_set(err, EUCLEAN, "impossible record");
	else
		code = read_stored(reader, worker, chunk, err);
	if (!code && sink->room)
		pages = sink->room(sink->context, number, chunk);
	if (!pages)
		pages = worker->buffer;
	if (!code)
		code = decompress(reader, worker, chunk, pages, err);
	if (!code)
		code = sink->take(sink->context, number, chunk,
				  &reader->index->data.v[chunk->first_run], pages, err);
	if (code)
		error_prefix(err, "chunk %zu", number);
	return code;
}

static void stop_with(struct reader *reader, int code, const struct error *err)
{
	pthread_mutex_lock(&reader->lock);
	if (!reader->code) {
		reader->code = code;
		reader->error = *err;
	}
	pthread_mutex_unlock(&reader->lock);
	atomic_store(&reader->stop, true);
}

static void *work(void *argument)
{
	struct reader *reader = argument;
	struct worker worker;
	struct error err = { .code = 0 };
	int code = worker_init(&worker, &err);

	if (code) {
		stop_with(reader, code, &err);
		return NULL;
	}
	while (!code && !atomic_load(&reader->stop)) {
		size_t number = atomic_fetch_add(&reader->next, 1);

		if (number >= reader->index->chunk_count)
			break;
		code = handle_chunk(reader, &worker, number, &err);
		if (code)
			stop_with(reader, code, &err);
	}
	worker_free(&worker);
	return NULL;
}

static unsigned count_workers(unsigned wanted, size_t chunks)
{
	cpu_set_t cpus;

	if (!wanted)
		wanted = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);
	if (wanted > WORKERS_MAX)
		wanted = WORKERS_MAX;
	return wanted < chunks ? wanted : chunks;
}

int image_read_chunks(const struct disk *disk, const struct image_index *index, unsigned workers,
		      const struct image_sink *sink, struct error *err)
{
	struct reader reader = {
		.disk = disk,
		.index = index,
		.sink = sink,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	pthread_t threads[WORKERS_MAX];
	unsigned started = 0;

	workers = count_workers(workers, index->chunk_count);
	/* The caller's thread is a worker too: it goes on alone when no other can be started. */
	while (started + 1 < workers && !pthread_create(&threads[started], NULL, work, &reader))
		started++;
	if (workers)
		work(&reader);
	while (started)
		pthread_join(threads[--started], NULL);
	pthread_mutex_destroy(&reader.lock);
	if (reader.code)
		*err = reader.error;
	return reader.code;
}
