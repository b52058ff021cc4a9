/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel B's memory in a file: written as a whole or not at all, checked byte for byte when it is
 * read. Pages that are zero take no room.
 */
#ifndef KJUMP_KEPT_FILE_H
#define KJUMP_KEPT_FILE_H

#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"
#include "image/format.h"

/* The page PFN, valid until the next call; NULL and *ERR when it cannot be had. */
typedef const void *(*kept_page)(void *context, uint64_t pfn, struct error *err);

/*
 * Write the pages of FRAMES (sorted) that are not zero to PATH, only for its owner: beside it
 * first, then flushed and renamed. *SIZE is the file's size in bytes.
 */
int kept_write(const char *path, const struct kept_identity *identity, const struct runs *frames,
	       kept_page page, void *context, uint64_t *size, struct error *err);

/* A file that is open; zero-initialise, kept_close() ends it. */
struct kept_file {
	int fd;
	struct kept_head head;
	struct run *runs;
	struct kept_chunk *chunks;
};

/*
 * Open PATH and check head and lists. ENOENT when there is none; EPERM when others than its owner,
 * who is this user, may write to it; ENOTSUP for another version; EUCLEAN when it is damaged.
 */
int kept_open(const char *path, struct kept_file *ret, struct error *err);

/* The same of FD, which belongs to *RET from then on, and is closed when this fails. */
int kept_open_descriptor(int fd, struct kept_file *ret, struct error *err);
void kept_close(struct kept_file *file);

/* Where pages go: frames from PFN on are at BYTES. */
struct kept_place {
	uint64_t pfn, count;
	unsigned char *bytes;
};

/*
 * Read all pages, by several threads, to the COUNT PLACES; what is there is zero and stays so where
 * the file has none. EUCLEAN when something is damaged or belongs to no place.
 */
int kept_read(const struct kept_file *file, const struct kept_place *places, unsigned count,
	      unsigned threads, struct error *err);

#endif
