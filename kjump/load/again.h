/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel B out of the file that holds its memory, in place of one that boots. */
#ifndef KJUMP_LOAD_AGAIN_H
#define KJUMP_LOAD_AGAIN_H

#include <stdbool.h>

#include "common/error.h"
#include "common/runs.h"
#include "jump/jump.h"
#include "kjump/load/choice.h"
#include "kjump/load/home.h"
#include "kjump/load/reserved.h"
#include "kjump/load/state.h"

/* All that is known when kernel B is about to be loaded. */
struct again {
	const struct choice *choice;
	const struct home_load *needs;
	const struct runs *avoid; /* what the home must not cover */
	const struct reserved_paths *paths;
	struct jump_load *load; /* backend, cmdline, handoff are set; home_* and reserved will be */
};

/*
 * Digests of what kernel B is booted from, and of the machine that it would find, into
 * STATE->identity.
 */
int again_identify(const struct jump_kernel *kernel, const void *initramfs, size_t size,
		   unsigned cpus, struct state *state, struct error *err);

/* Where the home of the kernel B in PATH_KEPT was; false when there is none that may be used. */
bool again_home(const struct choice *choice, struct run *ret);

/*
 * Load the kernel B in PATH_KEPT if it can be used here and now with STATE->identity. RAM is A's
 * and, as the handoff area's, gets what was *RESERVED for the home. Any error means that kernel B
 * has to be booted, and says why; nothing is loaded then.
 */
int again_load(const struct again *again, const struct state *state, struct runs *ram,
	       struct reserved *reserved, struct error *err);

/*
 * Note on the disk that the kernel B out of the file is about to be entered, so that it is never
 * tried again if it does not come back; and that it has.
 */
int again_mark(struct error *err);
void again_unmark(void);

/* The file is of no use. */
void again_discard(void);

/*
 * Put the memory of the kernel B on record, which was booted and has jumped back, into the file;
 * *SIZE is the file's, in bytes. ESTALE when the machine is another one than when B was loaded.
 */
int again_keep(const struct state *state, uint64_t *size, struct error *err);

#endif
