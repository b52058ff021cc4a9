/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which kernel B to load, and how: settings and the running system put together. Two equal
 * digests mean that a kernel B which is loaded is the one that is wanted.
 */
#ifndef KJUMP_LOAD_CHOICE_H
#define KJUMP_LOAD_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "kjump/config.h"
#include "text/cmdline.h"

struct choice {
	char kernel[256];
	char initramfs[256];
	char release[128]; /* of that kernel, or "" when its name does not tell */
	char cmdline[CMDLINE_SIZE];
	unsigned cpus;
	bool always_boot;
	int level;	    /* may be another one the next time that this kernel B is used */
	uint64_t home;	    /* bytes; 0 = as much as it needs, */
	uint64_t home_more; /* and these, which it was short of before */
	uint64_t digest;    /* files (path, size, time), command line, home, ABI_VERSION */
};

/* CPUs that kernel B starts, and threads of a save: no more than there are, whatever is set. */
unsigned choice_cpus(const struct config *config);

/*
 * Fill in kernel, release and initramfs alone, as they are below ROOT ("" for the running system);
 * *RET must be zeroed. CMDLINE is that of the running kernel. ENOENT as below.
 */
int choice_files(const struct config *config, const char *root, const char *cmdline,
		 struct choice *ret, struct error *err);

/* ENOENT when there is no kernel or no initramfs to be found. */
int choice_make(const struct config *config, struct choice *ret, struct error *err);

#endif
