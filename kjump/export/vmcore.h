/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image as an ELF core of the whole machine, which crash(8) and makedumpfile(8) read.
 */
#ifndef KJUMP_EXPORT_VMCORE_H
#define KJUMP_EXPORT_VMCORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "disk/disk.h"
#include "image/image.h"
#include "text/meter.h"

struct vmcore_result {
	uint64_t size;	 /* of the file, holes included */
	uint64_t pages;	 /* of data in it */
	uint64_t home;	 /* pages of the home whose content was found */
	uint64_t direct; /* virtual address of physical 0 in the saved kernel; 0 = not found */
};

/*
 * Write the image with INDEX to the file PATH, which must not exist: a note VMCOREINFO, one CPU
 * with registers of zero, and RAM. Pages that were zero, free or untouchable are holes of the file
 * and read as zeros. So does the home where the image does not say which pages its content lies
 * in. METER counts what is read. On an error there is no file.
 */
int vmcore_write(const struct disk *disk, const struct image_index *index, unsigned workers,
		 const char *path, struct meter *meter, struct vmcore_result *ret,
		 struct error *err);

#endif
