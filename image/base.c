/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The base of a new image: its chunks one after the other, each with its frames and digests. All of
 * it is streamed, because the base's lists are as long as those of the new image, for which alone
 * kernel B has memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/pagehash.h"
#include "image/digest.h"
#include "image/writing.h"

struct image_base {
	const struct disk *disk;
	struct image_identity identity;
	struct image_head head;
	struct image_entry entry;
	pthread_mutex_t lock; /* for what follows */
	struct index_source source;
	struct stream chunks, data, pieces;
	size_t key_count;      /* of the base */
	struct aead *aead;     /* for the digests; NULL: not sealed */
	uint64_t *digests;     /* of one piece */
	uint32_t count, taken; /* of these */
	bool ended;
};

/* --- choosing --- */

static bool may_be_base(const void *context, const struct image_entry *entry)
{
	const uint8_t *boot = context;

	if (entry->state != IMAGE_RESTORED &&
	    (entry->state != IMAGE_VALID || entry->kind == IMAGE_HIBERNATION))
		return false;
	return !boot || !memcmp(entry->boot, boot, sizeof(entry->boot));
}

static const struct image_entry *choose(const struct image_super *super, const uint8_t *boot)
{
	const struct image_entry *best = NULL;

	for (unsigned i = 0; i < IMAGE_TABLE; i++)
		if (may_be_base(boot, &super->table[i]) &&
		    (!best || super->table[i].serial > best->serial))
			best = &super->table[i];
	return best;
}

static int choose_base(const struct image_writer *writer, const struct image_wish *wish,
		       const struct image_entry **ret, struct error *err)
{
	bool known = !safe_is_zero(writer->identity.boot, sizeof(writer->identity.boot));

	if (!writer->disk || (!wish->any && !known))
		return error_set(err, ENOENT, "no image of this boot is known");
	if (writer->broken.code) {
		*err = writer->broken;
		return -err->code;
	}
	*ret = choose(&writer->super, wish->any ? NULL : writer->identity.boot);
	if (!*ret)
		return error_set(err, ENOENT, "no image of this boot on the device");
	/* What is not sealed can be changed, and what is sealed cannot be named in clear. */
	if (!(*ret)->algorithm != !writer->seal.key.algorithm)
		return error_set(err, EAGAIN, "the image before is %ssealed, this one is%s",
				 (*ret)->algorithm ? "" : "not ", (*ret)->algorithm ? " not" : "");
	if (wish->full_every && (*ret)->deltas + 1 >= wish->full_every)
		return error_set(err, EAGAIN, "each %u. image is a full one", wish->full_every);
	return 0;
}

/* --- opening --- */

/* All of the index must be what was written. */
static int check_whole(struct image_base *base, struct error *err)
{
	unsigned char *bytes = disk_buffer(STREAM_BYTES);
	XXH3_state_t *hash = XXH3_createState();
	uint64_t size = base->entry.index_size;
	int code = 0;

	if (!bytes || !hash)
		code = error_set(err, ENOMEM, "no memory to read an index");
	else
		XXH3_64bits_reset(hash);
	for (uint64_t done = 0; done < size && !code;) {
		size_t step = size - done < STREAM_BYTES ? size - done : STREAM_BYTES;

		code = source_read(&base->source, bytes, step, done, err);
		/* Of a sealed index each block is authentic when it has been read. */
		if (!code && !base->entry.algorithm)
			XXH3_64bits_update(hash, bytes, step);
		done += step;
	}
	if (!code && !base->entry.algorithm && XXH3_64bits_digest(hash) != base->entry.index_xxh3)
		code = error_set(err, EUCLEAN, "index damaged: digest mismatch");
	free(bytes);
	XXH3_freeState(hash);
	return code;
}

/* The keys of the base and of those before it become the writer's, which may come to need them. */
static int take_keys(struct image_base *base, const struct image_section_entry *section,
		     struct image_writer *writer, struct error *err)
{
	struct stream stream;
	int code;

	base->key_count = section->size / section->record;
	writer->base_keys = calloc(base->key_count + 1, sizeof(*writer->base_keys));
	if (!writer->base_keys)
		return error_set(err, ENOMEM, "no memory for keys");
	writer->base_key_count = base->key_count + 1;
	writer->base_keys[0].key = base->source.key;
	code = stream_open(&base->source, section, &stream, err);
	for (size_t i = 1; i <= base->key_count && !code; i++)
		code = stream_next(&stream, &writer->base_keys[i].key, err);
	stream_close(&stream);
	return code;
}

static int open_streams(struct image_base *base, struct image_writer *writer, struct error *err)
{
	struct image_index_header *header = disk_buffer(sizeof(*header));
	const struct {
		enum image_section number;
		struct stream *stream;
	} streams[] = { { SECTION_CHUNKS, &base->chunks },
			{ SECTION_DATA, &base->data },
			{ SECTION_DIGESTS, &base->pieces } };
	int code;

	if (!header)
		return error_set(err, ENOMEM, "no memory to read an index");
	code = source_read(&base->source, header, sizeof(*header), 0, err);
	if (!code)
		code = index_check_header(&base->entry, header, err);
	for (int i = 0; i < 3 && !code; i++)
		code = stream_open(&base->source, &header->sections[streams[i].number],
				   streams[i].stream, err);
	if (!code && base->entry.algorithm)
		code = take_keys(base, &header->sections[SECTION_KEYS], writer, err);
	free(header);
	return code;
}

int image_base_open(struct image_writer *writer, const struct image_wish *wish,
		    struct image_base **ret, struct error *err)
{
	const struct image_entry *entry = NULL;
	struct image_base *base;
	int code = choose_base(writer, wish, &entry, err);

	if (code)
		return code;
	base = calloc(1, sizeof(*base));
	if (!base)
		return error_set(err, ENOMEM, "no memory for a base");
	pthread_mutex_init(&base->lock, NULL);
	base->disk = writer->disk;
	base->identity = writer->identity;
	base->entry = *entry;
	table_get_head(&writer->super, &base->head);
	base->digests = disk_buffer(IMAGE_DIGESTS * sizeof(*base->digests));
	base->aead = aead_create();
	code = base->digests && base->aead ? source_open(base->disk, &base->head, &base->entry,
							 &writer->opener, &base->source, err)
					   : error_set(err, ENOMEM, "no memory for a base");
	if (!code)
		code = check_whole(base, err);
	if (!code)
		code = open_streams(base, writer, err);
	if (code) {
		image_base_free(base);
		return code;
	}
	memcpy(writer->base, entry->image_uuid, sizeof(writer->base));
	writer->has_base = true;
	writer->deltas = entry->deltas + 1;
	*ret = base;
	return 0;
}

void image_base_free(struct image_base *base)
{
	if (!base)
		return;
	stream_close(&base->chunks);
	stream_close(&base->data);
	stream_close(&base->pieces);
	source_close(&base->source);
	aead_free(base->aead);
	pthread_mutex_destroy(&base->lock);
	free(base->digests);
	free(base);
}

/* --- one chunk after the other --- */

static int next_piece(struct image_base *base, struct error *err)
{
	struct image_digests piece;
	int code;

	if (!base->pieces.left)
		return error_set(err, EUCLEAN, "index damaged: digests and pages disagree");
	code = stream_next(&base->pieces, &piece, err);
	if (code)
		return code;
	if (!piece.count || piece.count > IMAGE_DIGESTS ||
	    !space_contains(&base->head, piece.offset, digests_size(&piece)))
		return error_set(err, EUCLEAN, "index damaged: impossible digests");
	if (piece.key)
		return error_set(err, EUCLEAN, "index damaged: digests of another image");
	code = index_read_digests(base->disk, &piece,
				  base->entry.algorithm ? &base->source.key : NULL, base->aead,
				  base->digests, err);
	if (code)
		return error_prefix(err, "digests");
	base->count = piece.count;
	base->taken = 0;
	return 0;
}

static int take_digests(struct image_base *base, struct image_base_chunk *chunk, struct error *err)
{
	uint32_t done = 0;

	while (done < chunk->chunk.pages) {
		uint32_t n = chunk->chunk.pages - done, there = base->count - base->taken;
		int code;

		if (!there) {
			code = next_piece(base, err);
			if (code)
				return code;
			continue;
		}
		n = n < there ? n : there;
		memcpy(chunk->digests + done, base->digests + base->taken,
		       n * sizeof(*base->digests));
		base->taken += n;
		done += n;
	}
	return 0;
}

static int take_chunk(struct image_base *base, struct image_base_chunk *ret, struct error *err)
{
	struct image_chunk *chunk = &ret->chunk;
	int code = stream_next(&base->chunks, chunk, err);

	if (code)
		return code;
	if (!chunk->run_count || chunk->run_count > IMAGE_CHUNK_PAGES ||
	    chunk->run_count > base->data.left)
		return error_set(err, EUCLEAN, "index damaged: wrong runs");
	for (uint32_t i = 0; i < chunk->run_count && !code; i++)
		code = stream_next(&base->data, &ret->runs[i], err);
	if (!code)
		code = index_check_chunk(chunk, ret->runs, base->entry.algorithm, base->key_count,
					 err);
	if (!code && !space_contains(&base->head, chunk->offset, chunk_size(chunk)))
		code = error_set(err, EUCLEAN, "index damaged: a chunk lies elsewhere");
	return code ? code : take_digests(base, ret, err);
}

int image_base_next(struct image_base *base, struct image_base_chunk *ret, struct error *err)
{
	int code = 0;

	pthread_mutex_lock(&base->lock);
	if (!base->ended && base->chunks.left) {
		code = take_chunk(base, ret, err);
		base->ended = code;
		code = code ? code : 1;
	}
	pthread_mutex_unlock(&base->lock);
	return code;
}

void image_base_digest(const struct image_base *base, const void *pages, uint32_t count,
		       uint64_t *ret)
{
	digest_pages(&base->identity, pages, count, ret);
}
