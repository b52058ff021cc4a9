/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that write an image share. */
#ifndef IMAGE_WRITING_H
#define IMAGE_WRITING_H

#include <pthread.h>

#include "image/internal.h"
#include "image/queue.h"

struct writer_base_key {
	struct image_key key;
	uint32_t number; /* in the new image, from 1 on; 0: it does not need it yet */
};

struct image_writer {
	const struct disk *disk; /* NULL: nothing is written */
	struct queue *queue;
	uint64_t started; /* nanoseconds of CLOCK_MONOTONIC */
	struct image_identity identity;
	struct image_policy policy;
	struct request_seal seal;	 /* algorithm 0: nothing is sealed */
	struct opener opener;		 /* of the images that it may be built on */
	pthread_mutex_t lock;		 /* for what follows */
	struct image_super super;	 /* as it is on the device */
	struct space space;		 /* that is left */
	uint8_t base[16];		 /* the image that this one is built on, */
	bool has_base;			 /* which is still there */
	uint32_t deltas;		 /* of the new image */
	struct error broken;		 /* an image that was there and is not whole */
	bool index_sealed;		 /* blocks of it may be on the device */
	uint64_t own_bytes;		 /* room that was taken for the new image */
	int failed;			 /* code of the first error; positive errno value */
	const struct image_index *index; /* has the lists, in the end; NULL: they are here */
	struct image_chunk *chunks;
	size_t chunk_count, chunk_capacity;
	uint64_t stored_bytes, reused_pages;
	struct runs data;
	struct image_digests *digests;
	size_t digests_count;
	struct aead *aead;    /* for digests and index */
	uint64_t next_number; /* nonce of the next chunk or digests; none is used twice */
	struct writer_base_key
		*base_keys; /* of the base: its own first, then those that it names */
	size_t base_key_count;
	struct image_key *keys; /* those of them that the new image needs */
	size_t key_count;
	unsigned char *pending; /* digests that are not yet on their way; a buffer of the queue's */
	uint32_t pending_count;
};

/* --- room (room.c); the lock is held --- */

/*
 * Add up what is free, and give up an image whose index cannot be read, with a message: nobody
 * knows what of the device it needs.
 */
int writer_add_up(struct image_writer *writer, struct error *err);

/* SIZE bytes of the device in one piece; images that are in the way are given up. */
int writer_allocate(struct image_writer *writer, uint64_t size, uint64_t *offset,
		    struct error *err);

/* The same for an index. */
int writer_allocate_index(struct image_writer *writer, uint64_t size,
			  struct image_extent pieces[IMAGE_INDEX_EXTENTS], struct error *err);

/* Take those images out of SUPER's table that need not stay when the new one, of KIND, is there. */
void writer_apply_policy(const struct image_writer *writer, uint32_t kind, uint64_t now,
			 struct image_super *super);

/* --- chunks (writer.c) --- */

/* The digests that are pending go to the queue. The lock is held. */
int writer_put_digests(struct image_writer *writer, struct error *err);

void writer_set_failed(struct image_writer *writer, int code);

/* --- keys (sealing.c) --- */

/* CHUNK, which names a key of the base, names the new image's now. The lock is held. */
int writer_keep_key(struct image_writer *writer, struct image_chunk *chunk, struct error *err);

/* Wipe all that the writer knows. */
void writer_free_keys(struct image_writer *writer);

#endif
