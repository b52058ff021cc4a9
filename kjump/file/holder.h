/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds a file: a file system whose files keep their places on a device, and that device, by
 * the names that kernels B and C have for it.
 */
#ifndef KJUMP_FILE_HOLDER_H
#define KJUMP_FILE_HOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/abi.h"
#include "common/error.h"
#include "disk/sysfs.h"
#include "image/format.h"

enum holder_kind {
	HOLDER_EXT, /* ext2, ext3, ext4 */
	HOLDER_XFS,
	HOLDER_BTRFS,
	HOLDER_VFAT,
};

struct holder {
	enum holder_kind kind;
	const char *type;				   /* "ext4", for messages */
	char node[BLOCK_NAME_SIZE + 8];			   /* path of the device */
	char tag[sizeof(((struct image_map *)0)->device)]; /* "UUID=..." of the file system */
	struct watch pieces[REQUEST_PIECE_MAX];		   /* of the device, when it is a volume */
	size_t piece_count;
};

/*
 * What holds the file that is open as FD. Fails with ENOTSUP, and says why, when its bytes have no
 * places that stay as they are, or kernel B could not write there: on file systems other than
 * those above, btrfs over several devices, devices that are encrypted, arrays, loop devices, and
 * what volume_pieces() refuses.
 */
int holder_find(int fd, struct holder *ret, struct error *err);

/*
 * Is this very file one whose bytes may be written beneath its file system? ENOTSUP, and why, when
 * it is encrypted, compressed, journaled, copied on write, on a realtime device, or swapped to.
 */
int holder_check_file(int fd, const struct holder *holder, struct error *err);

/* May nobody change the file? False where the file system has no such flag. */
bool holder_is_fixed(int fd);

/* Let nobody change the file, root neither, or everybody who may. ENOTTY: there is no such flag. */
int holder_fix(int fd, bool fixed, struct error *err);

/* Let the bytes of an empty file keep their places when they are written anew. */
int holder_prepare(int fd, const struct holder *holder, struct error *err);

#endif
