/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel B's initramfs as bytes in memory, without a copy.
 */
#ifndef KJUMP_LOAD_INITRAMFS_MAP_H
#define KJUMP_LOAD_INITRAMFS_MAP_H

#include <stddef.h>

#include "common/error.h"

/* Zero-initialise; initramfs_unmap() ends it. */
struct initramfs_map {
	void *bytes; /* read only */
	size_t size;
};

/* EINVAL: the file is empty; else what the system says of it. Errors name it. */
int initramfs_map(const char *path, struct initramfs_map *ret, struct error *err);
void initramfs_unmap(struct initramfs_map *map);

#endif
