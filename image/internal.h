/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of image/ share with each other and with nobody else. */
#ifndef IMAGE_INTERNAL_H
#define IMAGE_INTERNAL_H

#include "common/safe.h"
#include "image/image.h"
#include "seal/aead.h"

/* --- superblock (super.c, super-write.c, table.c) --- */

/* A copy: the block with the head, then the table. */
#define SUPER_BYTES (IMAGE_BLOCK + sizeof(((struct image_super *)0)->table))

/* Linux's swap header, as far as it is used here; it lies at byte 1024 of the first page. */
struct swap_header {
	uint32_t version;
	uint32_t last_page;
	uint32_t bad_pages;
	uint8_t uuid[16];
	char volume[16];
	uint8_t padding[3018];
	char signature[10];
};

_Static_assert(sizeof(struct swap_header) == IMAGE_BLOCK - 1024, "fills the first page");
_Static_assert(offsetof(struct swap_header, signature) == 0xff6 - 1024, "place of the signature");

/* What the first page holds behind the head. */
void super_swap_header(const struct image_head *head, struct swap_header *ret);

uint32_t super_crc(const struct image_head *head);

/* Read a copy's SUPER_BYTES. Only the first block must be readable: without a table it is damaged.
 */
int super_read_block(const struct disk *disk, int copy, unsigned char *bytes, struct error *err);

/* Check the SUPER_BYTES of a copy, but for the signature in the first one's. */
int super_check_copy(const unsigned char *bytes, int copy, struct image_super *ret,
		     struct error *err);

/* Read one copy (0 or 1) and check it; block 0 with its signature. */
int super_read_copy(const struct disk *disk, int copy, struct image_super *ret, struct error *err);

/* Random bytes that form a version 4 UUID. */
int super_random_uuid(uint8_t uuid[16], struct error *err);

/* What of a superblock in memory lies on the device as its head, and the image at hand. */
void table_set_head(struct image_super *super, const struct image_head *head);
void table_get_head(const struct image_super *super, struct image_head *ret);
void table_get_entry(const struct image_super *super, struct image_entry *ret);

bool table_entry_waits(const struct image_entry *entry);

/* Take the image to hand that a boot would restore, else the newest. */
void table_select_default(struct image_super *super);

/*
 * The image at hand into the table; EMPTY takes it out of it. One that was not there before gets a
 * place and a serial number; ENOSPC when the table is full.
 */
int table_store(struct image_super *super, struct error *err);

/* --- space (space.c) --- */

/* Do SIZE bytes at OFFSET, whole blocks and not none, lie in the data area? */
static inline bool space_contains(const struct image_head *head, uint64_t offset, uint64_t size)
{
	return size && offset % IMAGE_BLOCK == 0 && size % IMAGE_BLOCK == 0 &&
	       offset >= IMAGE_DATA_START &&
	       safe_within(offset, size, head->device_size - IMAGE_TAIL);
}

/* Free room on a device, in blocks. Zero-initialise; space_free() ends it. */
struct space {
	struct runs free; /* some of no blocks */
	size_t cursor;	  /* where to look first */
	uint64_t blocks;  /* of the whole data area */
};

/*
 * What no image of SUPER's table uses, nor USED (blocks; NULL = none), taken over and emptied. An
 * image whose index cannot be read gets its number in the table into *BROKEN, with the error.
 */
int space_read(const struct disk *disk, const struct image_super *super, struct runs *used,
	       struct space *ret, unsigned *broken, struct error *err);
void space_free(struct space *space);

/* SIZE bytes in one piece; false when there is no such place. */
bool space_take(struct space *space, uint64_t size, uint64_t *offset);

/* SIZE bytes in at most IMAGE_INDEX_EXTENTS pieces; false, and nothing taken, if that cannot be. */
bool space_take_pieces(struct space *space, uint64_t size,
		       struct image_extent pieces[IMAGE_INDEX_EXTENTS]);

/* --- the index as bytes on the device (area.c) --- */

/*
 * Read SIZE bytes at OFFSET of what the pieces of ENTRY hold: the envelope, if it is sealed, then
 * the index. Both are multiples of IMAGE_BLOCK.
 */
int area_read(const struct disk *disk, const struct image_entry *entry, void *bytes, size_t size,
	      uint64_t offset, struct error *err);
int area_write(const struct disk *disk, const struct image_entry *entry, const void *bytes,
	       size_t size, uint64_t offset, struct error *err);

/* --- the envelope of a sealed index (envelope.c) --- */

uint64_t envelope_size(uint64_t index_size, uint64_t run_count);

/*
 * Write it, with the TAGS of all blocks and the blocks of the device that the image takes, sorted.
 * ENTRY has all that will be in the superblock but the tag, which it gets. DISK NULL: nowhere.
 */
int envelope_write(const struct disk *disk, const struct image_key *key, const uint8_t *tags,
		   const struct runs *runs, struct image_entry *entry, struct error *err);

/*
 * Read and check it. With a KEY it and ENTRY are authentic. TAGS (one for each block) and RUNS
 * (appended; within the data area of HEAD) may be NULL.
 */
int envelope_read(const struct disk *disk, const struct image_head *head,
		  const struct image_entry *entry, const struct image_key *key, uint8_t *tags,
		  struct runs *runs, struct error *err);

/* --- the index as it was before it was sealed (source.c) --- */

/* For one thread. ENTRY stays the caller's. */
struct index_source {
	const struct disk *disk;
	const struct image_entry *entry;
	struct image_key key; /* algorithm 0: not sealed */
	struct aead *aead;
	uint8_t *tags;
};

/* OPENER: who opens sealed images; NULL = nobody. Errors as opener_open(). */
int source_open(const struct disk *disk, const struct image_head *head,
		const struct image_entry *entry, const struct opener *opener,
		struct index_source *ret, struct error *err);
void source_close(struct index_source *source);

/* Read SIZE bytes at OFFSET of the index, both multiples of IMAGE_BLOCK. */
int source_read(struct index_source *source, void *bytes, size_t size, uint64_t offset,
		struct error *err);

/* What the block at OFFSET of an index is sealed with. */
void source_place(const struct image_entry *entry, uint64_t offset, struct aead_place *ret);

/* --- parts of an index, without all of it in memory (stream.c) --- */

/* Is HEADER, and are the places of its sections, as ENTRY says? */
int index_check_header(const struct image_entry *entry, const struct image_index_header *header,
		       struct error *err);

/* One section, read in order. stream_close() ends it. */
struct stream {
	struct index_source *source;
	struct image_section_entry section;
	unsigned char *buffer; /* of STREAM_BYTES */
	uint64_t done;	       /* bytes of the section that were read into the buffer */
	size_t filled, used;   /* of the buffer */
	uint64_t left;	       /* records that nobody got */
	uint32_t crc;	       /* so far */
};

#define STREAM_BYTES 65536

int stream_open(struct index_source *source, const struct image_section_entry *section,
		struct stream *ret, struct error *err);
void stream_close(struct stream *stream);

/* The next record; behind the last one the checksum is compared. Not to be called behind it. */
int stream_next(struct stream *stream, void *record, struct error *err);

/* --- index (index.c, index-check.c, index-write.c) --- */

/* Every record of the index by itself, all but the chunks' places. */
int index_check_records(const struct image_index *index, uint32_t kind, struct error *err);

/* One chunk's record, whose RUNS are there; KEYS: records in SECTION_KEYS of a SEALED image. */
int index_check_chunk(const struct image_chunk *chunk, const struct run *runs, bool sealed,
		      size_t keys, struct error *err);

/* What a chunk or digests are sealed with. */
void index_place_chunk(const struct image_chunk *chunk, struct aead_place *ret);
void index_place_digests(const struct image_digests *digests, struct aead_place *ret);

/* The tag of a record, which is its hash and what follows it. */
static inline void index_get_tag(uint64_t hash, uint64_t rest, uint8_t tag[IMAGE_TAG])
{
	__builtin_memcpy(tag, &hash, 8);
	__builtin_memcpy(tag + 8, &rest, 8);
}

static inline void index_set_tag(const uint8_t tag[IMAGE_TAG], uint64_t *hash, uint64_t *rest)
{
	__builtin_memcpy(hash, tag, 8);
	__builtin_memcpy(rest, tag + 8, 8);
}

/* All that chunks and digests take, in blocks, sorted, to RET. 0 or -ENOMEM. */
int places_add(const struct image_chunk *chunks, size_t chunk_count,
	       const struct image_digests *digests, size_t digests_count, struct runs *ret);
int index_places(const struct image_index *index, struct runs *ret);

/*
 * Read and check a piece of digests: SIZE is what digests_size() says, BYTES from disk_buffer().
 * KEY is the one that it names; NULL: not sealed.
 */
int index_read_digests(const struct disk *disk, const struct image_digests *digests,
		       const struct image_key *key, struct aead *aead, void *bytes,
		       struct error *err);

/* The key that a record names by its number, which is at most KEY_COUNT; NULL when not sealed. */
static inline const struct image_key *index_key(const struct image_index *index, uint32_t number)
{
	return !index->key.algorithm ? NULL : number ? &index->keys[number - 1] : &index->key;
}

/* Bytes on the device, with padding. */
static inline uint64_t digests_size(const struct image_digests *digests)
{
	return safe_round_up((uint64_t)digests->count * sizeof(uint64_t), IMAGE_BLOCK);
}

static inline uint64_t chunk_size(const struct image_chunk *chunk)
{
	return safe_round_up(chunk->stored, IMAGE_BLOCK);
}

/* The header of the index: places, sizes and checksums of all sections. */
void index_describe(const struct image_index *index, const uint8_t image_uuid[16],
		    struct image_index_header *ret);

/*
 * Takes SIZE bytes of the index (from disk_buffer(), a multiple of IMAGE_BLOCK) from OFFSET on, and
 * may do with BYTES as it likes.
 */
typedef int (*index_put)(void *context, void *bytes, size_t size, uint64_t offset,
			 struct error *err);

/* Hand the index with its HEADER to PUT, in order; *XXH3 is the digest of all of it. */
int index_write(const struct image_index *index, const struct image_index_header *header,
		index_put put, void *context, uint64_t *xxh3, struct error *err);

/* Bytes of one record of SECTION. */
uint32_t index_record_size(enum image_section section);

#endif
