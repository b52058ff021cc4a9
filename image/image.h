/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image on a device: superblock, index, one writer and one parallel reader.
 * docs/image-format.md is the norm. Everything runs unprivileged on plain files.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"
#include "disk/disk.h"
#include "image/format.h"
#include "seal/box.h"

/* --- superblock (super.c, super-write.c, table.c) --- */

/*
 * A superblock in memory: the device's fields, those of the one image at hand (state EMPTY: none),
 * and the table of all images, in which the image at hand is changed by image_super_write() alone.
 */
struct image_super {
	struct image_head;
	struct image_entry;
	uint32_t slot; /* of the image at hand in the table; IMAGE_TABLE: it is not there */
	uint32_t reserved;
	struct image_entry table[IMAGE_TABLE];
};

/*
 * Read both copies and put the valid one with the higher generation in *RET. At hand is the image
 * that a boot would restore, else the newest. Fails with ENOMEDIUM
 * when the device was never claimed (no magic: "not a kjump device"), ENOTSUP for features or a
 * version that this program does not know, EUCLEAN when both copies are damaged or the signature
 * in the first page was changed (somebody ran swapon, wipefs or mkfs on it).
 */
int image_super_read(const struct disk *disk, struct image_super *ret, struct error *err);

/* Take the image with this UUID to hand; false when there is none, then nothing is changed. */
bool image_super_select(struct image_super *super, const uint8_t uuid[16]);

/* Take the image in this place of the table to hand; one that holds none, IMAGE_TABLE: none. */
void image_super_take(struct image_super *super, unsigned slot);

/* Take all images out of the table; none is at hand then. To be written by image_super_write(). */
void image_super_clear(struct image_super *super);

/* How many images the table holds. */
unsigned image_super_count_images(const struct image_super *super);

/* Of those images that MAY says yes to the oldest one's place in the table, or IMAGE_TABLE. */
unsigned image_super_oldest(const struct image_super *super,
			    bool (*may)(const void *context, const struct image_entry *entry),
			    const void *context);

/*
 * Raise the generation, then write the copy that does not count now (copy 1, when both are the
 * same), flush, the other one, flush. SUPER is updated. The image at hand goes into the table as it
 * is now: with a place and a serial number if it has none, and in state EMPTY it leaves it, and
 * none is at hand any more. EMPTY, STALE and RESTORED count, with a
 * message, when only one of the copies could be written, because of two the newer one counts:
 * nothing must be restored a second time for the sake of a bad block.
 */
int image_super_write(const struct disk *disk, struct image_super *super, struct error *err);

/* Does the image at hand wait to be restored: a hibernation that is VALID, or HANDED_OVER? */
bool image_waits(const struct image_super *super);

/* State STALE with the reason, written and flushed. */
int image_mark_stale(const struct disk *disk, struct image_super *super, const char *reason,
		     struct error *err);

/* Can LABEL be a device's? EINVAL when it is too long or not printable. */
int image_label_check(const char *label, struct error *err);

/*
 * Claim the device: the first and the last MiB are cleared, then first page and superblocks are
 * written, state EMPTY. UUID random, LABEL at most 15 bytes or NULL. Whether somebody else's data
 * may be lost is the caller's to ask before (disk_probe(), disk_wipe()).
 */
int image_format(const struct disk *disk, const char *label, struct image_super *ret,
		 struct error *err);

/* Where the room begins that no image uses any more, up to the end of the data area; bytes. */
int image_used_end(const struct disk *disk, const struct image_super *super, uint64_t *ret,
		   struct error *err);

/* The image's numbers of pages into the outcome. */
void image_super_count(const struct image_super *super, struct outcome *ret);

const char *image_state_name(uint32_t state); /* "empty", "valid", "handed over", ... */
const char *image_kind_name(uint32_t kind);

/*
 * "valid hibernation image of 2026-11-23 08:05:56, kernel 6.12.0", or "no image", into TEXT, which
 * is returned.
 */
char *image_describe(const struct image_super *super, char *text,
		     size_t size); /* "hibernation", "checkpoint", "memory dump" */

/* --- index (index.c, index-check.c, accounting.c) --- */

/* An index in memory. Zero-initialise; image_index_free() ends it. */
struct image_index {
	struct image_machine machine;
	struct runs ram, home, zero, free, untouchable;
	struct image_chunk *chunks;
	size_t chunk_count;
	struct runs
		data; /* in chunk order: not sorted, neighbours of different chunks not merged */
	struct firmware_range *firmware;
	size_t firmware_count;
	struct image_watch *watch;
	size_t watch_count;
	char *vmcoreinfo; /* text with a NUL behind it, or NULL */
	struct pci_record *pci;
	size_t pci_count;
	struct disk_record *disks;
	size_t disk_count;
	struct efi_range *efi;
	size_t efi_count;
	struct image_digests *digests;
	size_t digests_count;
	struct image_key key;	/* that it was sealed with; algorithm 0: it was not */
	struct image_key *keys; /* of other images whose chunks it uses */
	size_t key_count;
};

/* Keys are wiped. */
void image_index_free(struct image_index *index);

/*
 * Read and check the index that SUPER names: digest, every CRC, padding, every section's bounds
 * and records, and that data + zero + free + untouchable + home = RAM without overlap. OPENER is
 * who opens sealed images (NULL = nobody), whose entry in the superblock is authentic then;
 * errors as opener_open().
 */
int image_index_read(const struct disk *disk, const struct image_super *super,
		     const struct opener *opener, struct image_index *ret, struct error *err);

/* The accounting rule alone; the writer calls it before it commits. */
int image_index_check(const struct image_index *index, struct error *err);

/* --- writer (writer.c, commit.c, room.c) --- */

struct image_writer;

/*
 * Begin an image on a claimed device (opened with DISK_WRITE). It takes what room no image needs;
 * when that is not enough, others are given up, with a message: first hibernations that are over,
 * then the oldest checkpoints, at last the base. An image whose index is not readable is given up
 * at once. A hibernation image that is VALID or HANDED_OVER is marked STALE at once: the machine it
 * belongs to is running.
 * Without a DISK (NULL) nothing is written anywhere, and there is room for any image; all else is
 * done, so that a dry run takes the time and gives the size of a real one.
 */
int image_writer_open(const struct disk *disk, struct image_writer **ret, struct error *err);

/* Of which boot of A an image is, and the secret that its digests are made with. */
struct image_identity {
	uint8_t boot[16];	       /* all 0: of none that is known */
	uint8_t secret[DIGEST_SECRET]; /* random; counts only with a boot */
};

/* Which of the other images stay when a new one is there; hibernations that are over never do. */
struct image_policy {
	unsigned keep;	   /* newest checkpoints, the new image among them if it is one */
	uint64_t keep_for; /* seconds; older checkpoints go; 0: however old they are */
};

#define IMAGE_KEEP 4

/*
 * The image is to be sealed as SEAL says; it gets the UUID that belongs to the key. To be called
 * before anything is written. The writer takes a copy and wipes it in the end. FIRST is 0, or
 * image_writer_numbers() of the writer that had the same SEAL before: no nonce is used twice.
 * ENOTSUP for an algorithm that this processor has not got.
 */
int image_writer_seal(struct image_writer *writer, const struct request_seal *seal, uint64_t first,
		      struct error *err);

/* To be called before anything is written; NULL: unknown, or IMAGE_KEEP of any age. */
void image_writer_set(struct image_writer *writer, const struct image_identity *identity,
		      const struct image_policy *policy);

/*
 * Into SEAL, which box_make() made, go the keys of all sealed images of SUPER's table that SENDER
 * opens; the others cannot be built on.
 */
int image_know_sealed(const struct image_super *super, const struct sender_key *sender,
		      struct request_seal *seal, struct error *err);

/*
 * Compress PAGES (of 4096 bytes each, at most IMAGE_CHUNK_PAGES) at BYTES and write them. RUNS are
 * their frames in the same order. Thread-safe, each thread with its own SCRATCH. ENOSPC when the
 * device is full. Several writes are under way when it returns, so the error of a chunk may be
 * told to a later one, or by the commit. After any error the writer only fails.
 */
struct image_scratch; /* one thread's compression context and output buffer */
struct image_scratch *image_scratch_create(int level); /* of zstd, or LEVEL_STORED */
void image_scratch_set_level(struct image_scratch *scratch, int level); /* of the next chunks */
size_t image_scratch_size(int level);					/* bytes */
void image_scratch_free(struct image_scratch *scratch);

int image_writer_chunk(struct image_writer *writer, struct image_scratch *scratch,
		       const void *bytes, uint32_t pages, const struct runs *runs,
		       struct error *err);

/* --- the base of a new image (base.c) --- */

struct image_base;

/* How the base is chosen. */
struct image_wish {
	bool any;	     /* of whatever boot; else of the one that the writer was told of */
	uint32_t full_every; /* each n-th image has no base; 0: never mind */
};

/*
 * Take the newest image that is whole and is neither STALE nor given to a payload for the base of
 * the new one. Its index is read once from end to end. Any doubt is an error, which says why the
 * new image has to be a full one (ENOENT: there is none; EAGAIN: it is time for a full one).
 */
int image_base_open(struct image_writer *writer, const struct image_wish *wish,
		    struct image_base **ret, struct error *err);
void image_base_free(struct image_base *base);

/* A chunk of the base, with the runs and the digests of the pages that the base uses of it. */
struct image_base_chunk {
	struct image_chunk chunk;
	struct run runs[IMAGE_CHUNK_PAGES];
	uint64_t digests[IMAGE_CHUNK_PAGES];
};

/* The next one: 1, or 0 behind the last, or an error, behind which there are none. Thread-safe. */
int image_base_next(struct image_base *base, struct image_base_chunk *ret, struct error *err);

/* Digests of COUNT pages, as those of the base were made. */
void image_base_digest(const struct image_base *base, const void *pages, uint32_t count,
		       uint64_t *ret);

/*
 * The new image uses a chunk of the base: CHUNK has the pages that it uses and their hash, RUNS
 * their frames. ESTALE, and nothing else is wrong, when the base had to be given up.
 */
int image_writer_keep(struct image_writer *writer, const struct image_chunk *chunk,
		      const struct run *runs, const uint64_t *digests, struct error *err);

/*
 * No more chunks: waits until all are written, and puts chunks and data into INDEX. To be called
 * only by those who want to see them before the commit.
 */
int image_writer_end(struct image_writer *writer, struct image_index *index, struct error *err);

/*
 * Write the index, flush, then the superblock: kind, state VALID, attempts 0. INDEX holds
 * everything but chunks and data, which image_writer_end() fills in, its lists sorted. Fails, and
 * changes nothing on the device that counts, when image_index_check() does. *RET is the superblock
 * written.
 */
int image_writer_commit(struct image_writer *writer, struct image_index *index, uint32_t kind,
			struct image_super *ret, struct error *err);

/* What a writer and its commit take beside the lists, and each thread's scratch; bytes. */
#define IMAGE_WRITER_BYTES (14U << 20)

/* How fast the device takes what it is given. */
struct image_flow {
	uint64_t bytes;	 /* written so far */
	uint64_t busy;	 /* nanoseconds in which at least one write was under way or due */
	uint64_t waited; /* nanoseconds for which threads had to wait for the device */
	unsigned fill;	 /* buffers that wait or are being written */
};

/* Thread-safe. */
void image_writer_flow(const struct image_writer *writer, struct image_flow *ret);

/*
 * When writing failed: has the image anything of another one, which may be at fault, or take more
 * room than the pages would by themselves? And may it be made anew without that, under the same
 * key? Not when it has a sealed index, whose blocks would get the same nonces again.
 */
bool image_writer_may_begin_anew(const struct image_writer *writer);

/* How many nonces were used up. */
uint64_t image_writer_numbers(const struct image_writer *writer);

/* Bytes written so far, chunks with padding. Thread-safe. */
uint64_t image_writer_bytes(const struct image_writer *writer);

/* Bytes that an image on this device may have, index included. */
uint64_t image_writer_room(const struct image_writer *writer);

/* Ends a writer, committed or not; an uncommitted image leaves no trace that counts. */
void image_writer_free(struct image_writer *writer);

/* --- reader (reader.c) --- */

/* What becomes of the chunks of an image. Reader threads call the functions, all at once. */
struct image_sink {
	/*
	 * A chunk that was found right. PAGES holds chunk->pages pages; unless room() gave it,
	 * it is gone after the call. Returns 0 or a negative errno value, which stops the reader.
	 */
	int (*take)(void *context, size_t chunk_number, const struct image_chunk *chunk,
		    const struct run *runs, const void *pages, struct error *err);
	/*
	 * Where the pages of a chunk may be put right away, chunk->pages of them in one piece;
	 * NULL: there is no such place. May be missing.
	 */
	void *(*room)(void *context, size_t chunk_number, const struct image_chunk *chunk);
	/*
	 * Check what is stored, but not what comes out of it: whoever uses the pages compares
	 * them with chunk->page_hash before it does so.
	 */
	bool checks_pages;
	void *context;
};

/*
 * Read, check and decompress chunks [0, index->chunk_count) with WORKERS threads (0 = one a CPU) of
 * IMAGE_READER_BYTES each, and hand each to SINK, in any order. Stops at the first error, which it
 * returns; the message names the chunk ("chunk 812: checksum mismatch").
 */
int image_read_chunks(const struct disk *disk, const struct image_index *index, unsigned workers,
		      const struct image_sink *sink, struct error *err);

/* A stored chunk, its pages and a context of the codec. */
#define IMAGE_READER_BYTES (3U << 20)

/*
 * Read and check every byte that the image at hand needs: superblocks, index, chunks, digests, all
 * padding. Of a sealed image that OPENER (NULL = nobody) does not open: ENOKEY, after all was
 * checked that can be, and every byte was read once.
 * SINK (NULL = none) sees each chunk that was found right, as in image_read_chunks(). Of an EMPTY
 * device only the superblocks are checked. ESTALE when one of them is older than the other, and all
 * else is right.
 */
int image_verify(const struct disk *disk, const struct image_super *super,
		 const struct opener *opener, unsigned workers, const struct image_sink *sink,
		 struct error *err);

#endif
