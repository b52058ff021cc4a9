/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel B's memory, which lies in pages of the running kernel's while that runs. */
#ifndef KJUMP_KEPT_COPY_H
#define KJUMP_KEPT_COPY_H

#include "common/error.h"
#include "common/runs.h"
#include "image/format.h"

/* What the running kernel says of itself. */
struct kept_paths {
	const char *kcore, *iomem, *mem; /* /proc/kcore, /proc/iomem, /dev/mem */
};

/*
 * Write the memory of the kernel B that is loaded, and has jumped back, to PATH; LIST is the first
 * entry of the list of swapped pages, IDENTITY says where the home is. *SIZE is the file's size in
 * bytes.
 */
int kept_copy(const struct kept_paths *paths, uint64_t list, const struct kept_identity *identity,
	      const char *path, uint64_t *size, struct error *err);

#endif
