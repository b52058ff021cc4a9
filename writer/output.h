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

struct output {
	struct disk disk; /* formatted, opened for writing */
	bool is_file;	  /* otherwise a device */
	bool emptied;	  /* the file is new, or its content is gone */
};

/*
 * Open PATH for an image of at most PAGES pages. Fails with EEXIST, unless FORCE, when it is a file
 * that holds anything but another core's image, or a device with a hibernation image that waits to
 * be restored; a device that is not claimed is refused in any case. Errors name the path.
 */
int output_open(struct output *output, const char *path, uint64_t pages, bool force,
		struct error *err);

/* Cut a file behind the image, and tell so in SUPER and on the file. */
int output_finish(struct output *output, struct image_super *super, struct error *err);

/* Ends it. Without SAVED a file that was created or emptied is removed. */
void output_close(struct output *output, bool saved);

#endif
