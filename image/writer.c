/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer. Threads compress on their own and leave the writing to the queue; a mutex guards the
 * next free place in the ring and the list of chunks. The superblock is written last, so that
 * until then the device holds what it held before.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/pagehash.h"
#include "image/codec.h"
#include "image/internal.h"
#include "image/queue.h"

#define CHUNK_BYTES (IMAGE_CHUNK_PAGES * FRAME_SIZE)

struct image_writer {
	const struct disk *disk; /* NULL: nothing is written */
	struct queue *queue;
	pthread_mutex_t lock;
	struct image_super super; /* as it is on the device */
	uint64_t present;	  /* bytes at the ring's end that hold the present image */
	uint64_t start;		  /* of the new image's stretch */
	uint64_t next;		  /* where the next chunk goes */
	uint64_t length;	  /* of the stretch so far */
	int failed;		  /* code of the first error; positive errno value */
	bool ended;		  /* the lists are in the index already */
	struct image_chunk *chunks;
	size_t chunk_count, chunk_capacity;
	uint64_t stored_bytes;
	struct runs data;
};

struct image_scratch {
	struct codec_context *codec;
	bool stored; /* do not even try to compress */
	unsigned char *out;
};

struct image_scratch *image_scratch_create(int level)
{
	struct image_scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return NULL;
	scratch->codec = codec_context_create(level);
	scratch->stored = level == LEVEL_STORED;
	scratch->out = disk_buffer(QUEUE_BUFFER_BYTES);
	if (!scratch->codec || !scratch->out) {
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
	return QUEUE_BUFFER_BYTES + codec_context_size(level);
}

void image_scratch_free(struct image_scratch *scratch)
{
	if (!scratch)
		return;
	codec_context_free(scratch->codec);
	free(scratch->out);
	free(scratch);
}

static int put(const struct image_writer *writer, const void *bytes, size_t size, uint64_t offset,
	       struct error *err)
{
	return writer->disk ? disk_write(writer->disk, bytes, size, offset, err) : 0;
}

/* --- opening --- */

/* For a dry run: an empty device that is larger than any image. */
static void pretend_super(struct image_super *super)
{
	super->device_size = UINT64_C(1) << 62;
	super->state = IMAGE_EMPTY;
}

/* The machine that a hibernation image belongs to is running: it must never be restored again. */
static int invalidate_hibernation(struct image_writer *writer, struct error *err)
{
	struct image_super *super = &writer->super;

	if (!image_waits(super))
		return 0;
	return image_mark_stale(writer->disk, super, "the machine went on without it", err);
}

int image_writer_open(const struct disk *disk, struct image_writer **ret, struct error *err)
{
	struct image_writer *writer = calloc(1, sizeof(*writer));
	struct image_super *super;
	int code = 0;

	if (!writer)
		return error_set(err, ENOMEM, "no memory");
	pthread_mutex_init(&writer->lock, NULL);
	writer->disk = disk;
	super = &writer->super;
	if (disk) {
		code = image_super_read(disk, super, err);
		if (!code)
			code = invalidate_hibernation(writer, err);
	} else {
		pretend_super(super);
	}
	if (!code)
		code = queue_create(disk, &writer->queue, err);
	if (code) {
		image_writer_free(writer);
		return code;
	}
	writer->next = IMAGE_DATA_START;
	if (super->state != IMAGE_EMPTY) {
		uint64_t past = super->start - IMAGE_DATA_START + super->length;

		writer->present = super->length;
		writer->next = IMAGE_DATA_START + past % ring_size(super);
	}
	writer->start = writer->next;
	*ret = writer;
	return 0;
}

void image_writer_free(struct image_writer *writer)
{
	if (!writer)
		return;
	queue_free(writer->queue);
	pthread_mutex_destroy(&writer->lock);
	free(writer->chunks);
	runs_free(&writer->data);
	free(writer);
}

/* --- places in the ring --- */

/* The new image reaches the present one: from the next write on that cannot be read any more. */
static int give_up_present(struct image_writer *writer, struct error *err)
{
	message("%s: %s image (%s) makes room for the new one", writer->disk->name,
		image_kind_name(writer->super.kind), image_state_name(writer->super.state));
	writer->present = 0;
	return image_mark_stale(writer->disk, &writer->super, "overwritten by a newer image", err);
}

static int write_zeros(const struct disk *disk, uint64_t offset, uint64_t size, struct error *err)
{
	void *zeros = disk_buffer(CHUNK_BYTES);
	int code = 0;

	if (!zeros)
		return error_set(err, ENOMEM, "no memory");
	while (size && !code) {
		size_t step = size < CHUNK_BYTES ? size : CHUNK_BYTES;

		code = disk_write(disk, zeros, step, offset, err);
		offset += step;
		size -= step;
	}
	free(zeros);
	return code;
}

/*
 * The next SIZE bytes (a multiple of IMAGE_BLOCK) of the ring in one piece. Called with the lock
 * held, so that no thread writes into the present image's stretch before that one is stale.
 */
static int allocate(struct image_writer *writer, uint64_t size, uint64_t *offset, struct error *err)
{
	uint64_t end = ring_end(&writer->super);
	uint64_t all = ring_size(&writer->super);
	uint64_t gap = end - writer->next < size ? end - writer->next : 0;
	int code;

	if (!safe_within(writer->length, gap, all) || !safe_within(writer->length + gap, size, all))
		return error_set(err, ENOSPC, "device full: the image needs more than %llu MiB",
				 (unsigned long long)(all >> 20));
	if (writer->present && writer->length + gap + size > all - writer->present) {
		code = give_up_present(writer, err);
		if (code)
			return code;
	}
	if (gap) {
		code = write_zeros(writer->disk, writer->next, gap, err);
		if (code)
			return code;
		writer->next = IMAGE_DATA_START;
	}
	*offset = writer->next;
	writer->next += size;
	writer->length += gap + size;
	if (writer->next == end)
		writer->next = IMAGE_DATA_START;
	return 0;
}

/* --- chunks --- */

static int record_chunk(struct image_writer *writer, const struct image_chunk *chunk,
			const struct runs *runs)
{
	uint64_t first_run = writer->data.n;

	if (writer->chunk_count == writer->chunk_capacity) {
		size_t capacity = writer->chunk_capacity ? writer->chunk_capacity * 2 : 1024;
		void *chunks = reallocarray(writer->chunks, capacity, sizeof(*chunk));

		if (!chunks)
			return -ENOMEM;
		writer->chunks = chunks;
		writer->chunk_capacity = capacity;
	}
	/* Runs of different chunks stay apart. */
	for (size_t i = 0; i < runs->n; i++) {
		int code = runs_append(&writer->data, runs->v[i].pfn, runs->v[i].count);

		if (code)
			return code;
	}
	writer->chunks[writer->chunk_count] = *chunk;
	writer->chunks[writer->chunk_count].first_run = first_run;
	writer->chunks[writer->chunk_count++].run_count = writer->data.n - first_run;
	writer->stored_bytes += chunk->stored;
	return 0;
}

static int place_chunk(struct image_writer *writer, struct image_chunk *chunk, uint64_t padded,
		       const struct runs *runs, struct error *err)
{
	int code;

	pthread_mutex_lock(&writer->lock);
	if (writer->failed) {
		code = error_set(err, writer->failed, "an earlier write failed");
	} else {
		code = allocate(writer, padded, &chunk->offset, err);
		if (!code) {
			code = record_chunk(writer, chunk, runs);
			if (code)
				error_set(err, -code, "cannot add to the list of chunks");
		}
		if (code)
			writer->failed = -code;
	}
	pthread_mutex_unlock(&writer->lock);
	return code;
}

static void set_failed(struct image_writer *writer, int code)
{
	pthread_mutex_lock(&writer->lock);
	if (!writer->failed)
		writer->failed = -code;
	pthread_mutex_unlock(&writer->lock);
}

/* Compressed when that saves at least a block on the device, which is what padding leaves of it. */
static void compress(struct image_scratch *scratch, const void *bytes, struct image_chunk *chunk)
{
	size_t size = (size_t)chunk->pages * FRAME_SIZE;

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

int image_writer_chunk(struct image_writer *writer, struct image_scratch *scratch,
		       const void *bytes, uint32_t pages, const struct runs *runs,
		       struct error *err)
{
	struct image_chunk chunk = { .pages = pages };
	uint64_t padded;
	int code;

	if (!pages || pages > IMAGE_CHUNK_PAGES || runs_total(runs) != pages)
		return error_set(err, EINVAL, "chunk of %u pages with %llu frames", pages,
				 (unsigned long long)runs_total(runs));
	compress(scratch, bytes, &chunk);
	chunk.page_hash = page_hash(0, bytes, pages);
	chunk.stored_hash = bytes_hash(scratch->out, chunk.stored);
	padded = safe_round_up(chunk.stored, IMAGE_BLOCK);
	memset(scratch->out + chunk.stored, 0, padded - chunk.stored);
	code = place_chunk(writer, &chunk, padded, runs, err);
	if (code)
		return code;
	code = queue_write(writer->queue, &scratch->out, padded, chunk.offset, err);
	if (code)
		set_failed(writer, code);
	return code;
}

void image_writer_flow(const struct image_writer *writer, struct image_flow *ret)
{
	queue_flow(writer->queue, ret);
}

uint64_t image_writer_bytes(const struct image_writer *writer)
{
	/* The lock is no part of what the caller may see as constant. */
	pthread_mutex_t *lock = (pthread_mutex_t *)&writer->lock;
	uint64_t bytes;

	pthread_mutex_lock(lock);
	bytes = writer->length;
	pthread_mutex_unlock(lock);
	return bytes;
}

uint64_t image_writer_room(const struct image_writer *writer)
{
	return ring_size(&writer->super);
}

/* --- commit --- */

/* The index takes over the writer's lists. */
static void fill_index(struct image_writer *writer, struct image_index *index)
{
	free(index->chunks);
	runs_free(&index->data);
	index->chunks = writer->chunks;
	index->chunk_count = writer->chunk_count;
	index->data = writer->data;
	writer->chunks = NULL;
	writer->chunk_count = writer->chunk_capacity = 0;
	memset(&writer->data, 0, sizeof(writer->data));
}

static void fill_super(const struct image_writer *writer, const struct image_index *index,
		       uint32_t kind, struct image_super *super)
{
	/* Whatever giving up the present image changed is in the writer's copy. */
	super->generation = writer->super.generation;
	super->state = IMAGE_VALID;
	super->kind = kind;
	super->attempts = 0;
	super->reboots = 0;
	super->created = index->machine.created;
	super->start = writer->start;
	super->length = writer->length;
	super->data_pages = runs_total(&index->data);
	super->zero_pages = runs_total(&index->zero);
	super->free_pages = runs_total(&index->free);
	super->untouchable_pages = runs_total(&index->untouchable);
	super->home_pages = runs_total(&index->home);
	super->ram_pages = runs_total(&index->ram);
	super->stored_bytes = writer->stored_bytes;
	memset(super->reason, 0, sizeof(super->reason));
	memcpy(super->release, index->machine.release, sizeof(super->release));
}

struct index_place {
	const struct image_writer *writer;
	uint64_t start;
};

static int put_index(void *context, const void *bytes, size_t size, uint64_t offset,
		     struct error *err)
{
	const struct index_place *place = context;

	return put(place->writer, bytes, size, place->start + offset, err);
}

static int write_index(struct image_writer *writer, const struct image_index *index,
		       struct image_super *super, struct error *err)
{
	struct index_place place = { .writer = writer };
	struct image_index_header header;
	int code;

	index_describe(index, super->image_uuid, &header);
	super->index_size = header.size;
	pthread_mutex_lock(&writer->lock);
	code = allocate(writer, super->index_size, &super->index, err);
	pthread_mutex_unlock(&writer->lock);
	place.start = super->index;
	if (!code)
		code = index_write(index, &header, put_index, &place, &super->index_xxh3, err);
	if (!code && writer->disk)
		code = disk_flush(writer->disk, err);
	return code;
}

/*
 * The first copy of the superblock may be on the device already: put back what was there before,
 * with a higher generation. When that fails too, say that nobody knows what a boot will find.
 */
static int take_back(struct image_writer *writer, const struct image_super *failed,
		     struct error *err)
{
	struct error second;

	writer->super.generation = failed->generation;
	if (image_super_write(writer->disk, &writer->super, &second))
		error_prefix(err, "the device may hold an image that looks valid");
	return -err->code;
}

int image_writer_end(struct image_writer *writer, struct image_index *index, struct error *err)
{
	int code;

	if (writer->failed)
		return error_set(err, writer->failed, "an earlier write failed");
	code = queue_drain(writer->queue, err);
	if (code) {
		set_failed(writer, code);
		return code;
	}
	fill_index(writer, index);
	writer->ended = true;
	return 0;
}

int image_writer_commit(struct image_writer *writer, struct image_index *index, uint32_t kind,
			struct image_super *ret, struct error *err)
{
	struct image_super super;
	int code = 0;

	if (writer->failed)
		return error_set(err, writer->failed, "an earlier write failed");
	if (!writer->ended)
		code = image_writer_end(writer, index, err);
	writer->failed = EINVAL; /* a writer commits once */
	super = writer->super;
	if (!code)
		code = index_check_records(index, kind, err);
	if (!code)
		code = image_index_check(index, err);
	if (!code)
		code = super_random_uuid(super.image_uuid, err);
	if (!code)
		code = write_index(writer, index, &super, err);
	if (code)
		return code;
	fill_super(writer, index, kind, &super);
	if (writer->disk && image_super_write(writer->disk, &super, err))
		return take_back(writer, &super, err);
	writer->super = super;
	*ret = super;
	return 0;
}
