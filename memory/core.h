/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF cores of a whole machine: QEMU's dump-guest-memory, /proc/vmcore, makedumpfile -E,
 * kjump export; and /proc/kcore, the running kernel itself.
 */
#ifndef MEMORY_CORE_H
#define MEMORY_CORE_H

#include "common/error.h"
#include "common/runs.h"
#include "memory/memory.h"

/* What a core says of its machine. Zero-initialise; core_free() ends it. */
struct core {
	struct runs ram;  /* frames with content in the file, sorted */
	char *vmcoreinfo; /* text of the VMCOREINFO note with a NUL behind it; NULL = none */
	size_t vmcoreinfo_size;
};

void core_free(struct core *core);

/*
 * Open the core at PATH as memory: its PT_LOAD segments, rounded inwards to whole frames, by
 * their physical addresses; segments without one (vmalloc areas of /proc/kcore) are left out, and
 * where two overlap the first counts. Headers may be anywhere in the file. EINVAL when it is no
 * 64-bit little-endian ELF core of x86-64, which names what it is where that is known, or is cut
 * short.
 */
int core_open(const char *path, struct memory **ret, struct core *core, struct error *err);

/*
 * SIZE bytes at the virtual ADDRESS, by the virtual addresses of the core's segments, without page
 * tables; ENXIO when no segment has them all.
 */
int core_read_virtual(const char *path, uint64_t address, void *bytes, size_t size,
		      struct error *err);

/* The VMCOREINFO note alone; ENOENT when there is none. */
int core_vmcoreinfo(const char *path, struct core *core, struct error *err);

#endif
