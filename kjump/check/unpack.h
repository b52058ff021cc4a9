/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compressed parts of an initramfs image, given to the programs that unpack them.
 */
#ifndef KJUMP_CHECK_UNPACK_H
#define KJUMP_CHECK_UNPACK_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"

/* Bytes by which a part is told apart. */
#define UNPACK_MAGIC_SIZE 10

/* A part that is being unpacked. */
struct unpacking {
	pid_t pid;
	int output; /* what comes out of it: a pipe */
};

/*
 * Start unpacking what PATH has from OFFSET on: with zstd, gzip, xz, lz4, bzip2 or lzop, as it
 * begins, which whoever made the image must have had. Returns false when it begins like none of
 * these; ERR is filled when there is no such program, with its code. What lies behind the part does
 * not come out: that is no part of it, or one more of the same kind, which does.
 */
bool unpack_start(const char *path, off_t offset, struct unpacking *ret, struct error *err);

/* End it, whether all of the output was read or not. Closes the output. */
void unpack_end(struct unpacking *unpacking);

/*
 * Find what follows the compressed part that FD has at OFFSET: the first place where another part,
 * compressed or not, begins, and where this one ends, but for zeros. The latter is what the program
 * says, which takes no part that is cut off or has something behind it. START is where the first
 * part of the image lies, from which the kernel counts (unpack_to_rootfs() of init/initramfs.c).
 * Returns 0 when nothing follows.
 */
off_t unpack_next(int fd, off_t start, off_t offset);

#endif
