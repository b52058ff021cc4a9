/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How large a home a level of compression takes, and which level a home has room for. */
#ifndef KJUMP_LOAD_HOME_H
#define KJUMP_LOAD_HOME_H

#include <stdint.h>

#include "common/error.h"
#include "jump/jump.h"

/* What decides besides the level: kernel B, its initramfs and machine, and how much it saves. */
struct home_load {
	const struct jump_kernel *kernel;
	size_t initramfs_size;
	unsigned cpus;
	uint64_t ram;	 /* bytes, of the system that is saved */
	unsigned iommus; /* home_iommus() */
	uint64_t more;	 /* home_more() */
};

/* How many IOMMUs /sys/class/iommu, which is at FOLDER, has; none when it is not there. */
unsigned home_iommus(const char *folder);

/*
 * Bytes of home. All levels up to the highest that LEVEL_AUTO tries take the same, so that a
 * kernel B that was loaded for one serves for the others.
 */
uint64_t home_needed(const struct home_load *load, int level);

/* The highest level that a home of SIZE bytes has room for; never less than LEVEL_AUTO_MAX. */
int home_level(const struct home_load *load, uint64_t size);

/*
 * Does a home of SIZE bytes with room for levels up to HIGHEST do for LEVEL? ENOMEM if not, which
 * no level up to LEVEL_AUTO_MAX is refused for.
 */
int home_check(uint64_t size, int highest, int level, struct error *err);

/*
 * What kernel B's drivers take is known only when it was too much: bytes that the home of this
 * machine has to have beside what is reckoned, as the file PATH says; 0 without it.
 */
uint64_t home_more(const char *path);

/* Sixteen MiB more from now on. ERANGE when that is past what a home can be short of. */
int home_grow(const char *path, struct error *err);

#endif
