/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small text files, as /proc, /sys, /etc and /run are full of them.
 */
#ifndef KJUMP_TEXT_FILES_H
#define KJUMP_TEXT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

/*
 * Open PATH, which a user may have named, for reading. Returns the descriptor, or a negative errno
 * value: EINVAL when it is a FIFO, a device or whatever else may have no end.
 */
int file_open(const char *path, struct error *err);

/* Read at most SIZE bytes of PATH. Returns how many, or a negative errno value as file_open(). */
ssize_t file_read_bytes(const char *path, void *buffer, size_t size);

/*
 * Read the first SIZE - 1 bytes of PATH into TEXT, NUL-terminated. Returns how many there are, or a
 * negative errno value: for lists of which the beginning will do.
 */
ssize_t file_read_start(const char *path, char *text, size_t size);

/*
 * Read at most SIZE - 1 bytes of PATH into TEXT, NUL-terminated, without the last newline. EFBIG
 * when there is more.
 */
int file_read(const char *path, char *text, size_t size, struct error *err);

/* Write TEXT to a file that exists (a switch in /proc or /sys). */
int file_poke(const char *path, const char *text, struct error *err);

/* Make the folders that PATH lies in, mode 0755, as far as they are missing and can be made. */
void file_make_folders(const char *path);

/* Put TEXT where PATH is, as a whole or not at all; mode 0600. */
int file_replace(const char *path, const char *text, struct error *err);

/*
 * The name of the first entry of the directory PATH that begins with PREFIX goes to RET, cut to
 * SIZE. False when there is none, or no such directory.
 */
bool file_find_entry(const char *path, const char *prefix, char *ret, size_t size);

/* Called with each pair; returns 0, or a negative errno value that ends the reading. */
typedef int (*file_pair)(void *context, const char *key, const char *value, struct error *err);

/*
 * Read "key = value" lines; blank lines and lines that begin with # are skipped, blanks around key
 * and value dropped. Errors name file and line.
 */
int file_read_pairs(const char *path, file_pair pair, void *context, struct error *err);

#endif
