/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of an image: its index, and the superblock that names it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "image/writing.h"

/* The index takes over the writer's lists. */
static void fill_index(struct image_writer *writer, struct image_index *index)
{
	free(index->chunks);
	free(index->digests);
	runs_free(&index->data);
	index->chunks = writer->chunks;
	index->chunk_count = writer->chunk_count;
	index->data = writer->data;
	index->digests = writer->digests;
	index->digests_count = writer->digests_count;
	index->key = writer->seal.key;
	index->keys = writer->keys;
	index->key_count = writer->key_count;
	writer->keys = NULL;
	writer->key_count = 0;
	writer->chunks = NULL;
	writer->digests = NULL;
	writer->chunk_count = writer->chunk_capacity = writer->digests_count = 0;
	memset(&writer->data, 0, sizeof(writer->data));
	writer->index = index;
}

static uint64_t device_bytes(const struct image_index *index, uint64_t index_size)
{
	uint64_t bytes = index_size;

	for (size_t i = 0; i < index->chunk_count; i++)
		bytes += chunk_size(&index->chunks[i]);
	for (size_t i = 0; i < index->digests_count; i++)
		bytes += digests_size(&index->digests[i]);
	return bytes;
}

static void fill_super(const struct image_writer *writer, const struct image_index *index,
		       uint32_t kind, struct image_super *super)
{
	super->state = IMAGE_VALID;
	super->kind = kind;
	super->created = index->machine.created;
	super->data_pages = runs_total(&index->data);
	super->zero_pages = runs_total(&index->zero);
	super->free_pages = runs_total(&index->free);
	super->untouchable_pages = runs_total(&index->untouchable);
	super->home_pages = runs_total(&index->home);
	super->ram_pages = runs_total(&index->ram);
	super->stored_bytes = writer->stored_bytes;
	super->device_bytes = device_bytes(index, super->envelope_size + super->index_size);
	super->own_bytes = writer->own_bytes;
	super->reused_pages = writer->reused_pages;
	super->milliseconds = (clock_now() - writer->started) / 1000000;
	memcpy(super->boot, writer->identity.boot, sizeof(super->boot));
	if (writer->reused_pages) {
		memcpy(super->base_uuid, writer->base, sizeof(super->base_uuid));
		super->deltas = writer->deltas;
	}
	if (!super->algorithm)
		memcpy(super->release, index->machine.release, sizeof(super->release));
}

/* An index on its way to the device. */
struct index_place {
	const struct image_writer *writer;
	struct image_entry entry;
	uint8_t *tags; /* of its blocks; NULL: it is not sealed */
};

static void seal_blocks(struct index_place *place, unsigned char *bytes, size_t size,
			uint64_t offset)
{
	for (size_t done = 0; done < size; done += IMAGE_BLOCK) {
		struct aead_place block;

		source_place(&place->entry, offset + done, &block);
		aead_seal(place->writer->aead, &place->writer->seal.key, &block, bytes + done,
			  IMAGE_BLOCK, place->tags + block.number * IMAGE_TAG);
	}
}

static int put_index(void *context, void *bytes, size_t size, uint64_t offset, struct error *err)
{
	struct index_place *place = context;

	if (place->tags)
		seal_blocks(place, bytes, size, offset);
	if (!place->writer->disk)
		return 0;
	return area_write(place->writer->disk, &place->entry, bytes, size,
			  place->entry.envelope_size + offset, err);
}

static int flush(const struct image_writer *writer, struct error *err)
{
	return writer->disk ? disk_flush(writer->disk, err) : 0;
}

/* With the size of the index in SUPER: where it will lie, with its envelope if it has one. */
static int place_index(struct image_writer *writer, const struct image_index *index,
		       struct runs *places, struct image_super *super, struct error *err)
{
	int code;

	if (writer->seal.key.algorithm) {
		super->algorithm = writer->seal.key.algorithm;
		super->key = writer->seal.box;
		super->seal_flags = writer->seal.flags;
		if (index_places(index, places))
			return error_set(err, ENOMEM, "no memory to seal the index");
		super->envelope_size = envelope_size(super->index_size, places->n);
	}
	pthread_mutex_lock(&writer->lock);
	code = writer_allocate_index(writer, super->envelope_size + super->index_size, super->index,
				     err);
	pthread_mutex_unlock(&writer->lock);
	return code;
}

/* The entry is authentic from here on, so all of it must be there. */
static int write_envelope(struct image_writer *writer, const struct image_index *index,
			  uint32_t kind, struct index_place *place, const struct runs *places,
			  struct image_super *super, struct error *err)
{
	int code;

	super->serial = writer->super.last_serial + 1;
	fill_super(writer, index, kind, super);
	table_get_entry(super, &place->entry);
	code = envelope_write(writer->disk, &writer->seal.key, place->tags, places, &place->entry,
			      err);
	super->index_xxh3 = place->entry.index_xxh3;
	super->index_rest = place->entry.index_rest;
	return code;
}

static int write_index(struct image_writer *writer, const struct image_index *index, uint32_t kind,
		       struct image_super *super, struct error *err)
{
	bool sealed = writer->seal.key.algorithm;
	struct index_place place = { .writer = writer };
	struct image_index_header header;
	struct runs places = { 0 };
	int code;

	index_describe(index, super->image_uuid, &header);
	super->index_size = header.size;
	code = place_index(writer, index, &places, super, err);
	table_get_entry(super, &place.entry);
	if (!code && sealed && !(place.tags = malloc(header.size / IMAGE_BLOCK * IMAGE_TAG)))
		code = error_set(err, ENOMEM, "no memory to seal the index");
	writer->index_sealed = sealed && !code;
	if (!code)
		code = index_write(index, &header, put_index, &place, &super->index_xxh3, err);
	if (!code && sealed)
		code = write_envelope(writer, index, kind, &place, &places, super, err);
	/* Once for both: until the superblock names them, neither counts. */
	if (!code)
		code = flush(writer, err);
	runs_free(&places);
	free(place.tags);
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
	pthread_mutex_lock(&writer->lock);
	code = writer_put_digests(writer, err);
	pthread_mutex_unlock(&writer->lock);
	if (!code)
		code = queue_drain(writer->queue, err);
	if (code) {
		writer_set_failed(writer, code);
		return code;
	}
	fill_index(writer, index);
	return 0;
}

/* The new image beside those that stay. */
static int write_super(struct image_writer *writer, const struct image_index *index, uint32_t kind,
		       const struct image_super *placed, struct image_super *super,
		       struct error *err)
{
	*super = *placed;
	/* Whatever making room changed is in the writer's copy. */
	super->generation = writer->super.generation;
	memcpy(super->table, writer->super.table, sizeof(super->table));
	if (!super->algorithm)
		fill_super(writer, index, kind, super);
	writer_apply_policy(writer, kind, super->created, super);
	if (!writer->disk)
		return table_store(super, err);
	return image_super_write(writer->disk, super, err) ? take_back(writer, super, err) : 0;
}

/* What is sealed was sealed under its name. */
static int name_image(const struct image_writer *writer, struct image_super *super,
		      struct error *err)
{
	if (!writer->seal.key.algorithm)
		return super_random_uuid(super->image_uuid, err);
	memcpy(super->image_uuid, writer->seal.key.image_uuid, sizeof(super->image_uuid));
	return 0;
}

int image_writer_commit(struct image_writer *writer, struct image_index *index, uint32_t kind,
			struct image_super *ret, struct error *err)
{
	struct image_super placed, super;
	int code = 0;

	if (writer->failed)
		return error_set(err, writer->failed, "an earlier write failed");
	if (!writer->index)
		code = image_writer_end(writer, index, err);
	writer->failed = EINVAL; /* a writer commits once */
	placed = writer->super;
	image_super_take(&placed, IMAGE_TABLE);
	if (!code)
		code = index_check_records(index, kind, err);
	if (!code)
		code = image_index_check(index, err);
	if (!code)
		code = name_image(writer, &placed, err);
	if (!code)
		code = write_index(writer, index, kind, &placed, err);
	if (!code)
		code = write_super(writer, index, kind, &placed, &super, err);
	if (code)
		return code;
	writer->super = super;
	*ret = super;
	return 0;
}
