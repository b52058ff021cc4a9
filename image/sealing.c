/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is sealed with what: places, tags, and the keys of a new image. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/pagehash.h"
#include "image/writing.h"

/* --- records --- */

void index_place_chunk(const struct image_chunk *chunk, struct aead_place *ret)
{
	/* Not what an image uses of the chunk: another one may use less. */
	*ret = (struct aead_place){
		.what = AEAD_DATA,
		.codec = chunk->codec,
		.number = chunk->number,
		.offset = chunk->offset,
		.size = chunk->stored,
		.pages = chunk->all_pages,
	};
}

void index_place_digests(const struct image_digests *digests, struct aead_place *ret)
{
	*ret = (struct aead_place){
		.what = AEAD_DATA,
		.codec = AEAD_DIGESTS,
		.number = digests->number,
		.offset = digests->offset,
		.size = digests->count * sizeof(uint64_t),
		.pages = digests->count,
	};
}

int index_read_digests(const struct disk *disk, const struct image_digests *digests,
		       const struct image_key *key, struct aead *aead, void *bytes,
		       struct error *err)
{
	size_t used = (size_t)digests->count * sizeof(uint64_t), padded = digests_size(digests);
	int code = disk_read(disk, bytes, padded, digests->offset, err);
	struct aead_place place;
	uint8_t tag[IMAGE_TAG];

	if (code)
		return code;
	if (!safe_is_zero((char *)bytes + used, padded - used))
		return error_set(err, EUCLEAN, "padding is not zero");
	if (!key)
		return bytes_hash(bytes, used) == digests->hash
			       ? 0
			       : error_set(err, EUCLEAN, "checksum mismatch");
	index_place_digests(digests, &place);
	index_get_tag(digests->hash, digests->rest, tag);
	return aead_open(aead, key, &place, bytes, used, tag)
		       ? 0
		       : error_set(err, EUCLEAN,
				   "changed after they were sealed, or put here from elsewhere");
}

int places_add(const struct image_chunk *chunks, size_t chunk_count,
	       const struct image_digests *digests, size_t digests_count, struct runs *ret)
{
	int code = 0;

	for (size_t i = 0; i < chunk_count && !code; i++)
		code = runs_add(ret, chunks[i].offset / IMAGE_BLOCK,
				chunk_size(&chunks[i]) / IMAGE_BLOCK);
	for (size_t i = 0; i < digests_count && !code; i++)
		code = runs_add(ret, digests[i].offset / IMAGE_BLOCK,
				digests_size(&digests[i]) / IMAGE_BLOCK);
	runs_sort(ret);
	return code;
}

int index_places(const struct image_index *index, struct runs *ret)
{
	return places_add(index->chunks, index->chunk_count, index->digests, index->digests_count,
			  ret);
}

/* --- a new image --- */

int image_writer_seal(struct image_writer *writer, const struct request_seal *seal, uint64_t first,
		      struct error *err)
{
	int code = aead_check(seal->key.algorithm, err);

	if (code)
		return code;
	if (seal->count > REQUEST_KEYS_MAX)
		return error_set(err, EINVAL, "%u keys", seal->count);
	writer->seal = *seal;
	writer->next_number = first;
	for (uint32_t i = 0; i < seal->count; i++)
		opener_know(&writer->opener, &seal->known[i]);
	return 0;
}

_Static_assert(REQUEST_KEYS_MAX >= IMAGE_TABLE, "room for the keys of all images");

int image_know_sealed(const struct image_super *super, const struct sender_key *sender,
		      struct request_seal *seal, struct error *err)
{
	struct opener opener;
	int code = opener_sender(sender, &opener, err);

	for (unsigned i = 0; i < IMAGE_TABLE && !code; i++) {
		const struct image_entry *entry = &super->table[i];
		struct error ignored;

		if (entry->algorithm &&
		    !opener_open(&opener, entry->algorithm, entry->image_uuid, &entry->key,
				 &seal->known[seal->count], &ignored))
			seal->count++;
	}
	opener_end(&opener);
	return code;
}

int writer_keep_key(struct image_writer *writer, struct image_chunk *chunk, struct error *err)
{
	struct writer_base_key *key = &writer->base_keys[chunk->key];
	struct image_key *keys;

	if (!key->number) {
		/* No realloc(), which would leave keys behind. */
		keys = calloc(writer->key_count + 1, sizeof(*keys));
		if (!keys)
			return error_set(err, ENOMEM, "no memory for keys");
		if (writer->key_count) {
			memcpy(keys, writer->keys, writer->key_count * sizeof(*keys));
			keys_wipe(writer->keys, writer->key_count * sizeof(*keys));
		}
		free(writer->keys);
		writer->keys = keys;
		keys[writer->key_count] = key->key;
		key->number = (uint32_t)++writer->key_count;
	}
	chunk->key = key->number;
	return 0;
}

void writer_free_keys(struct image_writer *writer)
{
	if (writer->base_keys)
		keys_wipe(writer->base_keys, writer->base_key_count * sizeof(*writer->base_keys));
	if (writer->keys)
		keys_wipe(writer->keys, writer->key_count * sizeof(*writer->keys));
	free(writer->base_keys);
	free(writer->keys);
	aead_free(writer->aead);
	opener_end(&writer->opener);
	keys_wipe(&writer->seal, sizeof(writer->seal));
}
