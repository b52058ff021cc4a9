/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one run of kjump leaves for the next about the kernel B that it loaded. The sequence
 * number of the requests is in the mailbox.
 */
#ifndef KJUMP_LOAD_STATE_H
#define KJUMP_LOAD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "image/format.h"

struct state {
	uint64_t home_start, home_size; /* bytes */
	uint64_t level;			/* the highest that the home has room for */
	uint64_t mailbox_pfn;
	uint64_t kexec_list; /* first entry of the kernel's list of swapped pages; 0 = unknown */
	uint8_t nonce[16];
	bool raised;	  /* see struct mailbox_page */
	bool reserved;	  /* the home was reserved at boot, */
	bool crash;	  /* by crashkernel= */
	char jump[8];	  /* name of the back end that has it */
	char kernel[256]; /* paths */
	char initramfs[256];
	uint64_t digest;	       /* of all that was loaded; see struct choice */
	uint64_t memory_map;	       /* see memory_map_digest() */
	struct kept_identity identity; /* when it was loaded; home and flags are not filled in */
	bool from_file;		       /* it was not booted, but put back from PATH_KEPT */
	bool proven;		       /* and has answered a request since */
	bool kept;		       /* its memory is in that file, or cannot be put there */
	char why[256];		       /* it was, or will be, booted and not put back */
};

/* ENOENT when nothing is on record; errors name file and line. */
int state_read(const char *path, struct state *ret, struct error *err);
int state_write(const char *path, const struct state *state, struct error *err);

#endif
