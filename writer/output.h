/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an image of a core file goes: a claimed device, or a plain file that is made for it and
 * ends up as large as the image.
 */
#ifndef WRITER_OUTPUT_H
#define WRITER_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "disk/disk.h"
#include "image/image.h"
#include "memory/memory.h"

struct output {
	struct disk disk; /* formatted, opened for writing */
	const char *path; /* the caller's */
	int file;	  /* open on it as well; -1 = it is a device */
	uint64_t least;	  /* bytes that a file keeps, however little is in it */
	bool made;	  /* the file was not there before, */
	bool emptied;	  /* or its content is gone, */
	bool grown;	  /* or it is larger than before, and holds what it did */
};

/*
 * Open PATH for an image of at most PAGES pages of SOURCE. Fails with EEXIST, unless FORCE, when it
 * is a file that holds anything but another core's image, or a device with a hibernation image that
 * waits to be restored. Refused in any case: a device that is not claimed, what is neither device
 * nor file, what SOURCE is read from, and a file that somebody else may read. Errors name the path.
 */
int output_open(struct output *output, const char *path, const struct memory *source,
		uint64_t pages, bool force, struct error *err);

/*
 * Open PATH, a file or a device that holds an image, for another one of at most PAGES pages beside
 * it. What output_open() refuses in any case is refused here; EEXIST when a hibernation image waits
 * to be restored there, EPERM when images there are sealed and the new one is not SEALED.
 */
int output_open_base(struct output *output, const char *path, const struct memory *source,
		     uint64_t pages, bool sealed, struct error *err);

/* Cut a file behind its images, and tell so in SUPER and on the file. */
int output_finish(struct output *output, struct image_super *super, struct error *err);

/*
 * Ends it. Without SAVED a file that was made is removed, one that was there is left empty, or with
 * the images that it had when one was to be added.
 */
void output_close(struct output *output, bool saved);

#endif
