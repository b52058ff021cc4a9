/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that the system was told at boot to leave alone, and that kernel B can have for its home:
 * then nothing has to be moved out of the way.
 */
#ifndef KJUMP_LOAD_RESERVED_H
#define KJUMP_LOAD_RESERVED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"
#include "kjump/config.h"

/* Files of the running system, or of a machine that a test makes up. */
struct reserved_paths {
	const char *cmdline, *iomem, *firmware, *crash_loaded;
};

struct reserved {
	uint64_t start, size; /* bytes, multiples of 2 MiB; size 0 = there is none */
	bool crash;	      /* crashkernel=, which a crash kernel may be loaded into some time */
	bool system_ram;      /* part of what the system calls its RAM */
};

/*
 * The largest range below 4 GiB of at least SIZE bytes that is RAM for the firmware, and for the
 * system either "memmap=SIZE$ADDRESS" of its command line, or crashkernel= with no crash kernel
 * loaded; none is no error.
 */
int reserved_find(const struct reserved_paths *paths, uint64_t size, struct reserved *ret,
		  struct error *err);

/* Is a crash kernel loaded? */
bool reserved_crash_loaded(const char *path);

#endif
