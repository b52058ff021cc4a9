/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files put in place as a whole: written beside, on the disk, renamed. A crash at any moment leaves
 * the old one or the new one.
 */
#ifndef KJUMP_SETUP_PLACE_H
#define KJUMP_SETUP_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Behind the name of a file while it is written; nothing that reads a folder takes it for its own.
 */
#define PLACE_SUFFIX ".kjump-new"
#define PLACE_SIZE   544

/* PATH with the suffix. */
void place_beside(const char *path, char beside[PLACE_SIZE]);

/* Remove what was written beside PATH; of grub-mkconfig's as well, which ends with ".new". */
void place_forget(const char *path);

/* The whole text of PATH, which the caller frees. EFBIG beyond 1 MiB, EINVAL with a NUL in it. */
int place_read(const char *path, char **text, struct error *err);

/* All SIZE bytes; -1 and errno as write(2), which writes less where room ends, and no errno. */
int place_write(int fd, const char *bytes, size_t size);

/* Put TEXT where PATH is, with mode and owner of what is there, else 0644. */
int place_text(const char *path, const char *text, struct error *err);

/* What was written beside PATH, to where PATH is; mode and owner as above. */
int place_move(const char *path, struct error *err);

/* A copy of FROM at TO, with mode, owner, time and label. */
int place_copy(const char *from, const char *to, struct error *err);

/* What is in the folder of PATH is on the disk. */
int place_sync_folder(const char *path, struct error *err);

/* A digest of the file PATH as 16 digits; "" when it cannot be read. */
#define PLACE_SUM 17
void place_sum(const char *path, char sum[PLACE_SUM]);
void place_text_sum(const char *text, char sum[PLACE_SUM]);

#endif
