/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claiming files for images.
 */
#ifndef KJUMP_FILE_MAKE_H
#define KJUMP_FILE_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "image/image.h"
#include "kjump/file/claimed.h"

struct file_wish {
	const char *path;
	uint64_t size;	   /* of the file to be made; 0 = it is there */
	const char *label; /* or NULL */
	bool force;	   /* whatever is in it */
	bool quiet;
};

/*
 * Make the file that WISH describes, or take the one that is there, and claim it for images: all of
 * it is written once, so that each byte has a place, the map is written and proven on the device,
 * and nobody may change the file any more. EEXIST when a file is there and holds something, or when
 * it should have been made. A file that was made for it is removed again when it could not be
 * claimed. FILE is told what it is. Errors name the path.
 */
int file_make(const struct file_wish *wish, struct claimed_file *file, struct image_super *super,
	      struct error *err);

/* Remove the claimed file PATH, which holds no image that waits; what setup made, taken back. */
int file_remove(const char *path, struct error *err);

#endif
