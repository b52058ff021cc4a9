/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel B that was not loaded by kjump but by hand, with kexec-tools (kexec -l
 * --load-preserve-context). There is no handoff area then, and no mailbox; what can be found out
 * without them is put into a handoff of our own.
 */
#ifndef MEMORY_MANUAL_H
#define MEMORY_MANUAL_H

#include <stdbool.h>

#include "memory/memory.h"

/* What the running kernel says of itself; tests have other paths. */
struct manual_paths {
	const char *cmdline;  /* /proc/cmdline */
	const char *iomem;    /* /proc/iomem */
	const char *firmware; /* /sys/firmware/memmap */
};

/* Is there an entry from kexec-tools (kexec_jump_back_entry=) on the command line, and no home? */
bool manual_started(const char *cmdline);

/*
 * Find A: its RAM is what firmware calls RAM, the home what of it this kernel has as RAM, the entry
 * what kexec-tools passed on. Any doubt about one of them is an error, and then nobody may jump to
 * the entry: after a plain kexec there is one on the command line as well, and it is garbage.
 * manual_free() ends RET in either case.
 *
 * There is no mailbox (frame 0), no vmcoreinfo, and nothing is known of A's struct saved_context.
 */
int manual_handoff(struct memory *memory, const struct manual_paths *paths,
		   struct handoff_view *ret, struct error *err);
void manual_free(struct handoff_view *view);

/*
 * Whichever there is: the handoff area of a kernel B that kjump loaded, or manual_handoff(). In any
 * case followed by manual_free().
 */
int manual_or_handoff(struct memory *memory, const struct manual_paths *paths,
		      struct handoff_view *ret, struct error *err);

extern const struct manual_paths manual_running; /* of the running kernel */

#endif
