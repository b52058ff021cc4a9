/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer. Threads compress on their own and leave the writing to the queue; a mutex guards the
 * room that is left and the lists of chunks and digests. The superblock is written last (commit.c),
 * so that until then the device holds what it held before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/pagehash.h"
#include "image/codec.h"
#include "image/digest.h"
#include "image/writing.h"

struct image_scratch {
	struct codec_context *codec;
	bool stored; /* do not even try to compress */
	unsigned char *out;
	struct aead *aead;
};

struct image_scratch *image_scratch_create(int level)
{
	struct image_scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return NULL;
	scratch->codec = codec_context_create(level);
	scratch->stored = level == LEVEL_STORED;
	scratch->out = disk_buffer(QUEUE_BUFFER_BYTES);
	scratch->aead = aead_create();
	if (!scratch->codec || !scratch->out || !scratch->aead) {
		image_scratch_free(scratch);
		return NULL;
	}
	return scratch;
}

void image_scratch_set_level(struct image_scratch *scratch, int level)
{
	scratch->stored = level == LEVEL_STORED;
	codec_context_set_level(scratch->codec, level);
}

size_t image_scratch_size(int level)
{
	return AEAD_BYTES + QUEUE_BUFFER_BYTES + codec_context_size(level);
}

void image_scratch_free(struct image_scratch *scratch)
{
	if (!scratch)
		return;
	aead_free(scratch->aead);
	codec_context_free(scratch->codec);
	free(scratch->out);
	free(scratch);
}

/* --- opening --- */

/* For a dry run: an empty device that is larger than any image. */
static void pretend_super(struct image_super *super)
{
	super->device_size = UINT64_C(1) << 62;
	super->slot = IMAGE_TABLE;
}

/* The machine that a hibernation image belongs to is running: it must never be restored again. */
static int invalidate_hibernation(struct image_writer *writer, struct error *err)
{
	struct image_super *super = &writer->super;

	if (!image_waits(super))
		return 0;
	return image_mark_stale(writer->disk, super, "the machine went on without it", err);
}

static int open_device(struct image_writer *writer, struct error *err)
{
	int code = 0;

	if (writer->disk)
		code = image_super_read(writer->disk, &writer->super, err);
	else
		pretend_super(&writer->super);
	/* Until somebody says what boot it is. */
	digest_secret(writer->super.device_uuid, writer->identity.secret);
	if (!code)
		code = invalidate_hibernation(writer, err);
	if (!code)
		code = writer_add_up(writer, err);
	return code ? code : queue_create(writer->disk, &writer->queue, err);
}

int image_writer_open(const struct disk *disk, struct image_writer **ret, struct error *err)
{
	struct image_writer *writer = calloc(1, sizeof(*writer));
	int code;

	if (!writer)
		return error_set(err, ENOMEM, "no memory");
	pthread_mutex_init(&writer->lock, NULL);
	writer->disk = disk;
	writer->started = clock_now();
	writer->policy.keep = IMAGE_KEEP;
	writer->pending = disk_buffer(QUEUE_BUFFER_BYTES);
	writer->aead = aead_create();
	code = writer->pending && writer->aead ? open_device(writer, err)
					       : error_set(err, ENOMEM, "no memory");
	if (code)
		image_writer_free(writer);
	else
		*ret = writer;
	return code;
}

void image_writer_set(struct image_writer *writer, const struct image_identity *identity,
		      const struct image_policy *policy)
{
	if (identity && !safe_is_zero(identity->boot, sizeof(identity->boot)))
		writer->identity = *identity;
	if (policy)
		writer->policy = *policy;
}

void image_writer_free(struct image_writer *writer)
{
	if (!writer)
		return;
	queue_free(writer->queue);
	pthread_mutex_destroy(&writer->lock);
	space_free(&writer->space);
	free(writer->pending);
	free(writer->chunks);
	free(writer->digests);
	runs_free(&writer->data);
	writer_free_keys(writer);
	free(writer);
}

/* --- lists --- */

static int add_digests(struct image_writer *writer, const struct image_digests *digests,
		       struct error *err)
{
	void *list = reallocarray(writer->digests, writer->digests_count + 1, sizeof(*digests));

	if (!list)
		return error_set(err, ENOMEM, "no memory for the list of digests");
	writer->digests = list;
	writer->digests[writer->digests_count++] = *digests;
	return 0;
}

static bool is_sealed(const struct image_writer *writer)
{
	return writer->seal.key.algorithm;
}

static void protect_digests(struct image_writer *writer, struct image_digests *digests, size_t used)
{
	struct aead_place place;
	uint8_t tag[IMAGE_TAG];

	if (!is_sealed(writer)) {
		digests->hash = bytes_hash(writer->pending, used);
		return;
	}
	digests->number = writer->next_number++;
	index_place_digests(digests, &place);
	aead_seal(writer->aead, &writer->seal.key, &place, writer->pending, used, tag);
	index_set_tag(tag, &digests->hash, &digests->rest);
}

int writer_put_digests(struct image_writer *writer, struct error *err)
{
	struct image_digests digests = { .count = writer->pending_count };
	size_t used = (size_t)digests.count * sizeof(uint64_t), padded = digests_size(&digests);
	int code;

	if (!digests.count)
		return 0;
	memset(writer->pending + used, 0, padded - used);
	code = writer_allocate(writer, padded, &digests.offset, err);
	if (!code)
		protect_digests(writer, &digests, used);
	if (!code)
		code = add_digests(writer, &digests, err);
	if (!code)
		code = queue_write(writer->queue, &writer->pending, padded, digests.offset, err);
	writer->pending_count = 0;
	return code;
}

static int record_digests(struct image_writer *writer, const uint64_t *digests, uint32_t count,
			  struct error *err)
{
	while (count) {
		uint32_t room = IMAGE_DIGESTS - writer->pending_count;
		uint32_t n = count < room ? count : room;
		int code = 0;

		memcpy(writer->pending + writer->pending_count * sizeof(*digests), digests,
		       n * sizeof(*digests));
		writer->pending_count += n;
		digests += n;
		count -= n;
		if (writer->pending_count == IMAGE_DIGESTS)
			code = writer_put_digests(writer, err);
		if (code)
			return code;
	}
	return 0;
}

static int record_chunk(struct image_writer *writer, const struct image_chunk *chunk,
			const struct run *runs, uint32_t run_count, struct error *err)
{
	uint64_t first_run = writer->data.n;

	if (writer->chunk_count == writer->chunk_capacity) {
		size_t capacity = writer->chunk_capacity ? writer->chunk_capacity * 2 : 1024;
		void *chunks = reallocarray(writer->chunks, capacity, sizeof(*chunk));

		if (!chunks)
			return error_set(err, ENOMEM, "cannot add to the list of chunks");
		writer->chunks = chunks;
		writer->chunk_capacity = capacity;
	}
	/* Runs of different chunks stay apart. */
	for (uint32_t i = 0; i < run_count; i++)
		if (runs_append(&writer->data, runs[i].pfn, runs[i].count))
			return error_set(err, ENOMEM, "cannot add to the list of chunks");
	writer->chunks[writer->chunk_count] = *chunk;
	writer->chunks[writer->chunk_count].first_run = first_run;
	writer->chunks[writer->chunk_count++].run_count = writer->data.n - first_run;
	writer->stored_bytes += chunk->stored;
	return 0;
}

/* --- chunks --- */

/* *SLOT: where it is in the list; its tag comes later, because it depends on the place. */
static int place_chunk(struct image_writer *writer, struct image_chunk *chunk,
		       const struct runs *runs, const uint64_t *digests, size_t *slot,
		       struct error *err)
{
	int code;

	pthread_mutex_lock(&writer->lock);
	if (writer->failed) {
		code = error_set(err, writer->failed, "an earlier write failed");
	} else {
		code = writer_allocate(writer, chunk_size(chunk), &chunk->offset, err);
		if (is_sealed(writer))
			chunk->number = writer->next_number++;
		*slot = writer->chunk_count;
		if (!code)
			code = record_chunk(writer, chunk, runs->v, (uint32_t)runs->n, err);
		if (!code)
			code = record_digests(writer, digests, chunk->pages, err);
		if (code)
			writer->failed = -code;
	}
	pthread_mutex_unlock(&writer->lock);
	return code;
}

void writer_set_failed(struct image_writer *writer, int code)
{
	pthread_mutex_lock(&writer->lock);
	if (!writer->failed)
		writer->failed = -code;
	pthread_mutex_unlock(&writer->lock);
}

/* Compressed when that saves at least a block on the device, which is what padding leaves of it. */
static void compress(struct image_scratch *scratch, const void *bytes, struct image_chunk *chunk)
{
	size_t size = (size_t)chunk->all_pages * FRAME_SIZE;

	chunk->codec = CODEC_ZSTD;
	if (!scratch->stored)
		chunk->stored = codec_find(CODEC_ZSTD)
					->compress(scratch->codec, scratch->out, size - IMAGE_BLOCK,
						   bytes, size);
	if (!chunk->stored) {
		chunk->codec = CODEC_STORED;
		chunk->stored = codec_find(CODEC_STORED)
					->compress(scratch->codec, scratch->out, size, bytes, size);
	}
}

/* Where it lies, with everything that is known of it now. */
static void seal_chunk(struct image_writer *writer, struct image_scratch *scratch,
		       const struct image_chunk *chunk, size_t slot)
{
	struct aead_place place;
	uint8_t tag[IMAGE_TAG];

	index_place_chunk(chunk, &place);
	aead_seal(scratch->aead, &writer->seal.key, &place, scratch->out, chunk->stored, tag);
	pthread_mutex_lock(&writer->lock);
	index_set_tag(tag, &writer->chunks[slot].stored_hash, &writer->chunks[slot].stored_rest);
	pthread_mutex_unlock(&writer->lock);
}

static void use_all(struct image_chunk *chunk)
{
	for (uint32_t i = 0; i < chunk->all_pages; i++)
		chunk->used[i / 64] |= UINT64_C(1) << i % 64;
}

int image_writer_chunk(struct image_writer *writer, struct image_scratch *scratch,
		       const void *bytes, uint32_t pages, const struct runs *runs,
		       struct error *err)
{
	struct image_chunk chunk = { .pages = pages, .all_pages = pages };
	uint64_t digests[IMAGE_CHUNK_PAGES];
	uint64_t padded;
	size_t slot = 0;
	int code;

	if (!pages || pages > IMAGE_CHUNK_PAGES || runs_total(runs) != pages)
		return error_set(err, EINVAL, "chunk of %u pages with %llu frames", pages,
				 (unsigned long long)runs_total(runs));
	use_all(&chunk);
	compress(scratch, bytes, &chunk);
	chunk.page_hash = page_hash(0, bytes, pages);
	digest_pages(&writer->identity, bytes, pages, digests);
	if (!is_sealed(writer))
		chunk.stored_hash = bytes_hash(scratch->out, chunk.stored);
	padded = chunk_size(&chunk);
	memset(scratch->out + chunk.stored, 0, padded - chunk.stored);
	code = place_chunk(writer, &chunk, runs, digests, &slot, err);
	if (code)
		return code;
	if (is_sealed(writer))
		seal_chunk(writer, scratch, &chunk, slot);
	code = queue_write(writer->queue, &scratch->out, padded, chunk.offset, err);
	if (code)
		writer_set_failed(writer, code);
	return code;
}

int image_writer_keep(struct image_writer *writer, const struct image_chunk *base_chunk,
		      const struct run *runs, const uint64_t *digests, struct error *err)
{
	struct image_chunk copy = *base_chunk, *chunk = &copy;
	int code;

	pthread_mutex_lock(&writer->lock);
	if (!writer->has_base) {
		code = error_set(err, ESTALE, "the base was given up: no room for both");
	} else if (writer->failed) {
		code = error_set(err, writer->failed, "an earlier write failed");
	} else {
		code = index_check_chunk(chunk, runs, is_sealed(writer),
					 writer->base_key_count ? writer->base_key_count - 1 : 0,
					 err);
		if (!code && is_sealed(writer))
			code = writer_keep_key(writer, chunk, err);
		if (!code)
			code = record_chunk(writer, chunk, runs, chunk->run_count, err);
		if (!code)
			code = record_digests(writer, digests, chunk->pages, err);
		if (code)
			writer->failed = -code;
		writer->reused_pages += chunk->pages;
	}
	pthread_mutex_unlock(&writer->lock);
	return code;
}

/* --- figures --- */

void image_writer_flow(const struct image_writer *writer, struct image_flow *ret)
{
	queue_flow(writer->queue, ret);
}

bool image_writer_may_begin_anew(const struct image_writer *writer)
{
	return writer->reused_pages && !writer->index_sealed;
}

uint64_t image_writer_numbers(const struct image_writer *writer)
{
	return writer->next_number;
}

uint64_t image_writer_bytes(const struct image_writer *writer)
{
	/* The lock is no part of what the caller may see as constant. */
	pthread_mutex_t *lock = (pthread_mutex_t *)&writer->lock;
	uint64_t bytes;

	pthread_mutex_lock(lock);
	bytes = writer->own_bytes;
	pthread_mutex_unlock(lock);
	return bytes;
}

uint64_t image_writer_room(const struct image_writer *writer)
{
	return writer->space.blocks * IMAGE_BLOCK;
}
