/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel offers to jump with and come back: the jump module (module.c), or a kexec that
 * preserves the context (kexec.c).
 */
#ifndef JUMP_BACKEND_H
#define JUMP_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct kexec_part;

/* What keeps programs frozen: descriptors, -1 = none. */
struct jump_freeze {
	int device, snapshot;
	bool own;  /* the latter was opened for it */
	bool stay; /* after the jump as well */
};

struct jump_backend {
	const char *name; /* "module" or "kexec" */

	/* Could it load and jump? EOPNOTSUPP when the kernel does not have it. */
	int (*supported)(struct error *err);

	/* Is a kernel loaded? */
	bool (*loaded)(void);

	/* Load COUNT segments, instead of what is loaded, entered at ENTRY (physical). */
	int (*load)(uint64_t entry, const struct kexec_part *parts, size_t count,
		    struct error *err);
	int (*unload)(struct error *err);

	/*
	 * Does it take the other CPUs off by itself, before the devices freeze? Where it does not,
	 * the caller must, or a device may wait for ever for requests that were made on a CPU.
	 */
	bool (*parks_cpus)(void);

	/*
	 * Freeze all other programs, where that can be had apart from the jump; elsewhere this does
	 * nothing, and the jump does it. SNAPSHOT is an open descriptor of /dev/snapshot, or -1.
	 * EBUSY: programs refused. thaw() follows unless it fails.
	 */
	int (*freeze)(int snapshot, struct jump_freeze *ret, struct error *err);
	void (*thaw)(struct jump_freeze *frozen);

	/*
	 * Can everything stay frozen when execute() has returned, the kernel's own threads as well,
	 * until thaw()? EOPNOTSUPP says why not. freeze_staying() is freeze() for that, by
	 * SNAPSHOT, which must be open.
	 */
	int (*stays_frozen)(struct error *err);
	int (*freeze_staying)(int snapshot, struct jump_freeze *ret, struct error *err);

	/*
	 * Jump. Returns 0 when somebody jumped back, an error when the kernel did not jump (EBUSY:
	 * tasks or devices refused to freeze).
	 */
	int (*execute)(struct jump_freeze *frozen, struct error *err);

	/*
	 * First entry of the list of swapped pages of what is loaded, as struct kimage has it;
	 * NULL: ask kexec_list_find().
	 */
	int (*list)(uint64_t *ret, struct error *err);
};

extern const struct jump_backend jump_module, jump_kexec;

enum jump_choice { JUMP_AUTO, JUMP_MODULE, JUMP_KEXEC };

/*
 * The one to use. JUMP_AUTO is the module when it is there or could be loaded just now, else
 * kexec.
 */
const struct jump_backend *jump_choose(enum jump_choice choice);

/* Freeze, jump and thaw. */
int jump_execute(const struct jump_backend *backend, struct error *err);

/* By its name; what is unknown is kexec. */
const struct jump_backend *jump_named(const char *name);

/*
 * Have the module there. ENOENT when none was built for this kernel, and why; EPERM when the kernel
 * does not take it, and what it said.
 */
int jump_module_insert(struct error *err);

/*
 * Functions of the kernel that the module did not find and does without; as many names as fit.
 * Returns whether there are any.
 */
bool jump_module_missing(char *names, size_t size);

#endif
