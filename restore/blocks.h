/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory modules that the kernel knows and does not use yet: what ACPI announces beyond the
 * firmware's map is added as memory blocks, and unless the kernel was built or told to
 * (auto_online_blocks) it is user space that brings them online, which an initramfs has none for.
 */
#ifndef RESTORE_BLOCKS_H
#define RESTORE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"

#define BLOCKS_PATH "/sys/devices/system/memory"

/* Blocks that were brought online. Zero-initialise; blocks_give_back() ends it. */
struct blocks {
	const char *path;
	uint64_t *numbers;
	size_t count, capacity;
};

/*
 * Bring online, for movable pages, each block below PATH (drivers/base/memory.c) that is offline
 * and has a part of RAM (sorted). A block that refuses is named in a message, and left as it is; a
 * kernel without memory hot-plug has none. ENOMEM.
 */
int blocks_bring_online(const char *path, const struct runs *ram, struct blocks *ret,
			struct error *err);

/* The contrary, for a kernel that goes on. One that cannot be emptied stays online. */
void blocks_give_back(struct blocks *blocks);

/* Bytes of all blocks that are offline; 0 where there are none. */
uint64_t blocks_offline(const char *path);

#endif
