/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that are claimed for images, in the system that has their file system mounted. Nothing is
 * ever written to them by way of the file system: who went on frozen would wait for its journal,
 * and kernels B and C have none. So each time that one is opened to be written to, its map is
 * compared with what the file system tells.
 */
#ifndef KJUMP_FILE_CLAIMED_H
#define KJUMP_FILE_CLAIMED_H

#include <stdbool.h>

#include "disk/disk.h"
#include "kjump/file/holder.h"

struct claimed_file {
	char path[256];	      /* "" = the target is no file */
	char spec[64];	      /* "UUID=...@N", as kernels B and C name it */
	struct holder holder; /* what it lies on */
};

/*
 * Is the target that SPEC names, by its path or as "UUID=...@N", a file that is claimed? Then its
 * path goes to PATH, which has room for SIZE bytes. Returns 1 or 0, or a negative errno value when
 * that cannot be told.
 */
int claimed_find(const char *spec, char *path, size_t size, struct error *err);

/*
 * Open the claimed file PATH, as kernels B and C do, to write images to it; it stays open itself
 * too, lest its blocks be free when it is removed. RET, or NULL, is told what it is. ESTALE when it
 * does not lie any more where its map says; EPERM when anybody could change it and need not be able
 * to; and as holder_find(), holder_check_file() and layout_read(). Errors name PATH.
 */
int claimed_open(const char *path, struct disk *disk, struct claimed_file *ret, struct error *err);

/*
 * Take the extents of FILE out of the WATCH that watch_resolve() found, as volume_exclude() does
 * those of a volume: what is saved there is no change of the file system.
 */
int claimed_exclude(const struct claimed_file *file, struct watch *watch, size_t max, size_t *count,
		    struct error *err);

/* Put the name that kernels B and C have for a file at PLACE of HOLDER into SPEC; false when SIZE
 * bytes do not hold it. */
bool claimed_spec(const struct holder *holder, uint64_t place, char *spec, size_t size);

#endif
