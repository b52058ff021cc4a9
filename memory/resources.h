/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the list of RAM that A made when it loaded B still say what A's kernel does? Read out of the
 * frozen kernel's own tree of resources, which is what /proc/iomem prints.
 */
#ifndef MEMORY_RESOURCES_H
#define MEMORY_RESOURCES_H

#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"
#include "memory/virtual.h"

/*
 * System RAM below the root at virtual address ROOT (iomem_resource, kernel/resource.c), as
 * memory_system_ram() makes it of the text. ENOTSUP when this is no root of a kind this program
 * knows; EUCLEAN when the tree does not hold together.
 */
int resources_ram(struct virtual_memory *v, uint64_t root, struct runs *ret, struct error *err);

/*
 * Compare the RAM of FROZEN (home included, which need not be what the kernel calls RAM) with that.
 * Returns 0 when it is the same. ENODATA or ENOTSUP: it cannot be told, and why; any other error:
 * it is not, or the kernel's memory cannot be read by it; EUCLEAN names the first range that
 * differs.
 */
int resources_check(const struct frozen *frozen, const struct handoff *handoff, struct error *err);

#endif
