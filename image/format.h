/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The structs of the on-disk image. docs/image-format.md is the norm; this file is its C form.
 * All integers are little-endian (kjump runs on x86_64 only, so they are used as they are), all
 * fields naturally aligned, all reserved bytes zero and checked.
 */
#ifndef IMAGE_FORMAT_H
#define IMAGE_FORMAT_H

#include <stdint.h>

#include "common/abi.h"

/*
 *        0  superblock copy 0: head (1024 bytes), swap header at 1024, "LINHIB0001" at 4086; table
 *           of images at 4096
 *   524288  superblock copy 1: head (1024 bytes, rest of the 4 KiB block zero), table
 *  1048576  data area: chunks, digests and indexes of all images, wherever there is room
 *  size-1M  end of the data area; the last MiB is left alone
 */
#define IMAGE_BLOCK	  4096
#define IMAGE_SUPER0	  0
#define IMAGE_SUPER1	  524288
#define IMAGE_DATA_START  1048576
#define IMAGE_TAIL	  1048576
#define IMAGE_MIN_SIZE	  (16 * 1048576) /* smallest device that can be formatted */
#define IMAGE_CHUNK_PAGES 256		 /* at most, in one chunk: 1 MiB */
#define IMAGE_TABLE	  16		 /* images on one device, at most */

#define IMAGE_MAGIC	     "\x89KJUMP\r\n"
#define IMAGE_INDEX_MAGIC    "kjINDEX\x1a"
#define IMAGE_ENVELOPE_MAGIC "kjENVEL\x1a"
#define IMAGE_VERSION	     2

/* Unknown bits here: may be read and restored. */
#define IMAGE_COMPAT_ALL 0
/* Unknown bits here: must not be read. */
#define IMAGE_INCOMPAT_ALL 0

enum image_state {
	IMAGE_EMPTY = 0,       /* formatted, no image */
	IMAGE_VALID = 1,       /* a whole image */
	IMAGE_HANDED_OVER = 2, /* given to the payload; restored again only by hand */
	IMAGE_RESTORED = 3,    /* A came back from it */
	IMAGE_STALE = 4,       /* must not be restored any more; `reason` says why */
};

enum image_kind {
	IMAGE_HIBERNATION = 1,
	IMAGE_CHECKPOINT = 2, /* never restored at boot */
	IMAGE_CORE = 3,	      /* made from a vmcore file; no entry, never restored */
};

/* Bytes of the device, both multiples of 4096. */
struct image_extent {
	uint64_t offset, size;
};

#define IMAGE_INDEX_EXTENTS 8

/* One image of the table; all zero when there is none. */
struct image_entry {
	uint32_t state;	   /* enum image_state */
	uint32_t kind;	   /* enum image_kind; 0 when EMPTY */
	uint32_t attempts; /* loads begun since the commit; at 2 no boot tries again */
	uint32_t reboots;  /* since the commit, of boots that could not restore it */
	uint8_t image_uuid[16];
	uint64_t serial;     /* of the images that were ever made on the device, from 1 on */
	uint64_t created;    /* seconds since 1970 */
	uint64_t index_size; /* bytes; multiple of 4096 */
	uint64_t index_xxh3; /* XXH3 (64 bits, seed 0) of the whole index; sealed: see below */
	uint64_t index_rest; /* 0; of a sealed image the second half of the envelope's tag */
	struct image_extent index[IMAGE_INDEX_EXTENTS]; /* where it lies, in order; then zeros */
	uint64_t data_pages, zero_pages, free_pages, untouchable_pages, home_pages, ram_pages;
	uint64_t stored_bytes; /* of all its chunks, padding not counted */
	uint64_t device_bytes; /* all that it needs: chunks, digests and index, with padding */
	uint64_t own_bytes;    /* of these, what was written for it */
	uint64_t reused_pages; /* data pages in chunks that were there before */
	uint64_t milliseconds; /* that its making took */
	uint8_t boot[16];      /* of A, whose digests are made with one secret; 0: none */
	uint8_t base_uuid[16]; /* the image that it was built on; 0: none */
	uint32_t deltas;       /* images that were built one on the other up to it; 0: a full one */
	uint32_t algorithm;    /* enum seal_algorithm */
	struct key_box key;    /* 0 when that is NONE */
	uint64_t envelope_size; /* bytes before the index, multiple of 4096; 0 likewise */
	char reason[160];	/* STALE: why; NUL-terminated */
	char release[80];	/* of A, for listings; "" when the image is sealed */
	uint64_t seal_flags;	/* SEAL_PINNED; 0 when not sealed */
	uint8_t reserved1[320];
};

_Static_assert(sizeof(struct image_entry) == 1024, "size of an image's entry");

/* The head of a superblock. The valid copy with the higher generation counts. */
struct image_head {
	char magic[8];
	uint32_t version;
	uint32_t crc; /* CRC32C of the 1024 bytes with this field 0 */
	uint64_t compat;
	uint64_t incompat;
	uint64_t generation; /* raised by every write of the superblock */
	uint8_t device_uuid[16];
	char label[16];	      /* NUL-padded */
	uint64_t device_size; /* bytes, when it was formatted */
	uint64_t last_serial; /* of the image made last */
	uint32_t table_count; /* IMAGE_TABLE */
	uint32_t table_crc;   /* CRC32C of the table */
	uint8_t reserved0[928];
};

_Static_assert(sizeof(struct image_head) == 1024, "size of a superblock's head");

/* The sections of the index, each padded with zeros to a multiple of 4096 bytes. */
enum image_section {
	SECTION_MACHINE,     /* one struct image_machine */
	SECTION_RAM,	     /* struct run: A's RAM */
	SECTION_HOME,	     /* struct run: the home within RAM */
	SECTION_ZERO,	     /* struct run: pages that were zero */
	SECTION_FREE,	     /* struct run: free pages */
	SECTION_UNTOUCHABLE, /* struct run: neither read nor written */
	SECTION_CHUNKS,	     /* struct image_chunk */
	SECTION_DATA,	     /* struct run: frames of the chunks, in chunk order */
	SECTION_FIRMWARE,    /* struct firmware_range: A's firmware memory map */
	SECTION_WATCH,	     /* struct image_watch: fingerprints */
	SECTION_VMCOREINFO,  /* text */
	SECTION_PCI,	     /* struct pci_record: what A's drivers hold */
	SECTION_DISKS,	     /* struct disk_record */
	SECTION_EFI,	     /* struct efi_range: A's EFI runtime map */
	SECTION_DIGESTS,     /* struct image_digests: where the digests of the data pages lie */
	SECTION_KEYS,	     /* struct image_key: of other images whose chunks it uses */
	SECTION_COUNT,
	SECTION_MAX = 24,
};

struct image_section_entry {
	uint64_t offset; /* bytes from the start of the index; multiple of 4096 */
	uint64_t size;	 /* bytes in use; 0 = absent */
	uint32_t crc;	 /* CRC32C of the section with its padding */
	uint32_t record; /* bytes of one record */
};

/* First block of the index. */
struct image_index_header {
	char magic[8];
	uint32_t version;
	uint32_t crc; /* CRC32C of the 4096 bytes with this field 0 */
	uint8_t image_uuid[16];
	uint64_t size;		/* of the index, bytes */
	uint32_t section_count; /* SECTION_COUNT */
	uint32_t reserved0;
	struct image_section_entry sections[SECTION_MAX];
	uint8_t reserved1[3472];
};

_Static_assert(sizeof(struct image_index_header) == IMAGE_BLOCK, "index header size");

/*
 * Before a sealed index lies its envelope, in clear: this header, padded to a block; the tags of
 * the index's blocks, 16 bytes each, padded with zeros to a multiple of 4096; and the blocks of the
 * device that chunks and digests take (struct run), likewise, for whoever looks for free room and
 * has no key. index_xxh3 and index_rest of the superblock are a tag of all of it, and of the entry.
 */
struct image_envelope_header {
	char magic[8];
	uint32_t version;
	uint32_t crc; /* CRC32C of the whole envelope with this field 0 */
	uint8_t image_uuid[16];
	uint64_t size;	    /* of the envelope, bytes */
	uint64_t tag_count; /* index_size / 4096 */
	uint64_t run_count;
	uint8_t reserved[4040];
};

_Static_assert(sizeof(struct image_envelope_header) == IMAGE_BLOCK, "envelope header size");

#define IMAGE_TAG 16 /* bytes of a tag, of either algorithm */

/* What must be the same, or be known, when A goes on. */
struct image_machine {
	uint64_t entry;		/* physical address; 0 for IMAGE_CORE */
	uint64_t saved_context; /* physical address of A's struct saved_context; 0 = unknown */
	uint64_t mailbox_pfn;	/* 0 = none: made by a kernel B that was loaded by hand */
	uint64_t sequence;	/* of the request */
	uint8_t nonce[16];
	uint64_t home_start;   /* bytes */
	uint64_t cpu_features; /* CPU_FEATURE_* */
	uint64_t efi_runtime_digest;
	uint32_t cpu_signature; /* CPUID leaf 1 EAX */
	uint32_t facs_signature;
	uint32_t fill; /* enum fill */
	uint32_t reserved0;
	char cpu_vendor[16];
	char release[80];
	char build[144];
	uint64_t created;    /* seconds since 1970 by A's clock; B's may be off by hours */
	uint64_t stamps[8];  /* enum stamp, A's time-stamp counter; SAVE_END when the index was made
			      */
	uint64_t kexec_list; /* first entry of A's list of swapped pages; 0 = unknown */
	uint64_t cr4;	     /* control register 4 of A's kernel; 0 = unknown */
	uint64_t xcr0;	     /* extended control register 0; 0 = none */
	uint32_t cpuid[14];  /* enum cpuid_word */
	uint8_t reserved1[40];
};

_Static_assert(sizeof(((struct image_machine *)0)->cpuid) == CPUID_WORDS * sizeof(uint32_t),
	       "CPUID words");
_Static_assert(sizeof(struct image_machine) == 520, "machine record size");

enum image_codec {
	CODEC_STORED = 0,
	CODEC_ZSTD = 1,
};

/*
 * One chunk: pages compressed as one zstd frame, or as they are. The image uses those of them that
 * have their bit set in `used`: the pages of `run_count` runs, in order.
 */
struct image_chunk {
	uint64_t offset;      /* on the device, bytes; multiple of 4096 */
	uint32_t stored;      /* bytes in use at offset; padded with zeros to a multiple of 4096 */
	uint32_t pages;	      /* that are used, 1 to all_pages */
	uint64_t stored_hash; /* XXH64, seed 0, of the stored bytes without padding */
	uint64_t stored_rest; /* 0; of a sealed image the second half of the tag */
	uint64_t page_hash;   /* page_hash() of the pages used (common/pagehash.h) */
	uint64_t first_run;   /* index into SECTION_DATA */
	uint32_t run_count;
	uint32_t codec;	    /* enum image_codec */
	uint32_t all_pages; /* in the chunk, 1 to IMAGE_CHUNK_PAGES */
	uint32_t key;	    /* 0: the image's own, else number in SECTION_KEYS, from 1 on */
	uint64_t number;    /* 0; of a sealed image the chunk's nonce */
	uint64_t used[IMAGE_CHUNK_PAGES / 64];
};

_Static_assert(sizeof(struct image_chunk) == 104, "chunk record size");

/* Digests of the data pages, 8 bytes each, in the order of SECTION_DATA: one piece of them. */
struct image_digests {
	uint64_t offset; /* on the device, bytes; multiple of 4096 */
	uint32_t count;	 /* of digests, 1 to IMAGE_DIGESTS; padded with zeros */
	uint32_t key;	 /* as of a chunk */
	uint64_t hash;	 /* XXH64, seed 0, of the digests without padding */
	uint64_t rest;	 /* 0; of a sealed image the second half of the tag */
	uint64_t number; /* 0; of a sealed image the nonce */
};

_Static_assert(sizeof(struct image_digests) == 40, "digests record size");

#define IMAGE_DIGESTS 32768 /* in one piece, at most: 256 KiB */

struct image_watch {
	struct watch extent;
	uint64_t xxh3;
};

_Static_assert(sizeof(struct image_watch) == 88, "watch record size");

/*
 * A file whose file system is not mounted: its first 64 KiB, which lie in one piece on the device,
 * say where all of it lies. What is behind them is the device of the image.
 */
#define IMAGE_MAP_SIZE	  65536
#define IMAGE_MAP_MAGIC	  "\x89KJFILE\n"
#define IMAGE_MAP_VERSION 1
#define IMAGE_MAP_EXTENTS 4064

struct image_filemap_extent {
	uint64_t offset; /* on the device that holds the file system, bytes; multiple of 4096 */
	uint64_t length; /* bytes; multiple of 4096 */
};

struct image_map {
	char magic[8];
	uint32_t version;
	uint32_t crc;		 /* CRC32C of the 65536 bytes with this field 0 */
	uint64_t place;		 /* where this lies on the device, bytes */
	uint8_t device_uuid[16]; /* as in the superblock; 0 until it is claimed */
	uint32_t extent_count;
	uint32_t reserved0;
	char device[64]; /* "UUID=..." of the file system, as whoever boots names it */
	char path[256];	 /* where the file was when it was claimed */
	uint8_t reserved1[144];
	struct image_filemap_extent extents[IMAGE_MAP_EXTENTS]; /* in the order of the file */
};

_Static_assert(sizeof(struct image_map) == IMAGE_MAP_SIZE, "map size");

/*
 * Kernel B's memory in a file of A's (docs/kernel-b.md): this head, chunks, then the list of runs
 * (struct run, frames by ascending number) and that of chunks, which hold their pages in order.
 */
#define KEPT_SIZE    4096
#define KEPT_MAGIC   "\x89KJKEPT\n"
#define KEPT_VERSION 1

#define KEPT_RESERVED 0x1 /* the home was reserved at boot */

/* What must be the same when that memory is used; digests are XXH3. */
struct kept_identity {
	uint64_t kernel, initramfs;	/* the files that B was booted from */
	uint64_t acpi;			/* tables of the firmware */
	uint64_t pci, disks;		/* functions with their BARs; disks with their partitions */
	uint64_t cpus;			/* that B has */
	uint64_t flags;			/* KEPT_* */
	uint64_t home_start, home_size; /* bytes */
};

struct kept_head {
	char magic[8];
	uint32_t version;
	uint32_t crc; /* CRC32C of the 4096 bytes with this field 0 */
	uint32_t abi; /* ABI_VERSION */
	uint32_t reserved0;
	uint64_t created; /* seconds since 1970 */
	struct kept_identity identity;
	uint64_t lists; /* where the lists begin, bytes */
	uint64_t run_count, chunk_count;
	uint64_t lists_hash; /* XXH3 of both */
	uint8_t reserved1[3960];
};

_Static_assert(sizeof(struct kept_head) == KEPT_SIZE, "kept head size");

/* At most IMAGE_CHUNK_PAGES pages, as one frame of zstd. */
struct kept_chunk {
	uint64_t offset; /* in the file, bytes */
	uint32_t stored; /* bytes */
	uint32_t pages;
	uint64_t hash; /* XXH3 of the pages */
};

_Static_assert(sizeof(struct kept_chunk) == 24, "kept chunk size");

#endif
