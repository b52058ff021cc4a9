/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside memory/: what a struct memory is made of. */
#ifndef MEMORY_BACKEND_H
#define MEMORY_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "memory/memory.h"

/* COUNT frames from PFN lie in the file from byte OFFSET on. */
struct memory_segment {
	uint64_t pfn, count, offset;
};

struct memory {
	int fd;
	bool by_read;			 /* a file: windows are copies */
	struct memory_segment *segments; /* ascending, without overlap */
	size_t count;
	char *path;
};

/* Open PATH, without segments yet. memory_close() ends it. */
int memory_create(const char *path, int flags, struct memory **ret, struct error *err);

/* Append a segment, in ascending order. Returns 0 or -ENOMEM. */
int memory_add_segment(struct memory *memory, const struct memory_segment *segment);

#endif
