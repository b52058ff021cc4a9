/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which kernel B to load, and how: settings and the running system put together. Two equal
 * digests mean that a kernel B which is loaded is the one that is wanted.
 */
#ifndef KJUMP_LOAD_CHOICE_H
#define KJUMP_LOAD_CHOICE_H

#include <stdint.h>

#include "common/error.h"
#include "kjump/config.h"
#include "text/cmdline.h"

struct choice {
	char kernel[256];
	char initramfs[256];
	char cmdline[CMDLINE_SIZE];
	unsigned cpus;
	int level;	 /* may be another one the next time that this kernel B is used */
	uint64_t home;	 /* bytes; 0 = as much as it needs */
	uint64_t digest; /* files (path, size, time), command line, home, ABI_VERSION */
};

/* CPUs that kernel B starts, and threads of a save: no more than there are, whatever is set. */
unsigned choice_cpus(const struct config *config);

/* ENOENT when there is no kernel or no initramfs to be found. */
int choice_make(const struct config *config, struct choice *ret, struct error *err);

#endif
