/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images in files. Whoever mounts nothing reads and writes a file where its bytes lie on the
 * device, by the map that the file begins with (struct image_map); the name of such a file,
 * "UUID=...@N", says where the map lies. Kernel A makes the map, and sees to it that it is right
 * (kjump/file).
 */
#ifndef IMAGE_FILEMAP_H
#define IMAGE_FILEMAP_H

#include <stdbool.h>

#include "common/error.h"
#include "disk/disk.h"
#include "image/format.h"

/*
 * Read the map at PLACE of DISK into RET, IMAGE_MAP_SIZE bytes from disk_buffer(), and check it:
 * ENOMEDIUM when there is none, ENOTSUP when it is of a newer kjump, EUCLEAN when it is damaged.
 * Whether it lies where it says is not looked at: DISK may be the file itself.
 */
int filemap_read(const struct disk *disk, uint64_t place, struct image_map *ret, struct error *err);

/* Fill in magic, version and checksum, and write MAP at PLACE of DISK. */
int filemap_write(const struct disk *disk, uint64_t place, struct image_map *map,
		  struct error *err);

/* Let DISK, the device, be what MAP says, without the map itself. */
int filemap_narrow(struct disk *disk, const struct image_map *map, struct error *err);

/*
 * DISK is open on what SPEC names. When that is a file on a device ("UUID=...@N"), or is a file
 * with a map as the system that has it mounted sees it, let DISK be what images lie in; else leave
 * it as it is. Where the map is not to be trusted (what it leads to is no claimed device, or
 * another one; the file may have been removed, and others written in its place) fails with EUCLEAN.
 * On failure DISK is closed. Errors name the device.
 */
int filemap_enter(const char *spec, struct disk *disk, struct error *err);

/* Open what SPEC names, a device or a file, for MODE. As disk_find(), disk_open(), filemap_enter().
 */
int filemap_open(const char *spec, enum disk_mode mode, struct disk *disk, struct error *err);

#endif
