/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel B in A's memory: loaded, found again by a later run, dropped.
 */
#ifndef KJUMP_LOAD_LOADER_H
#define KJUMP_LOAD_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "jump/backend.h"
#include "kjump/config.h"
#include "kjump/load/mailbox.h"
#include "kjump/load/state.h"

/* A loaded kernel B as this process sees it; loader_close() ends it, B stays loaded. */
struct loader {
	const struct jump_backend *backend;
	struct state state;
	struct mailbox_page page;
	uint64_t load_start, load_end; /* time-stamp counter; 0 when B was loaded already */
};

/*
 * Take the lock that all commands share which load, drop or jump; held until the process ends.
 * EPERM when this is not root, EBUSY when another kjump holds it.
 */
int loader_lock(struct error *err);

/*
 * Load the kernel B that CONFIG asks for, unless it is loaded and its mailbox is where it was.
 * One that does not fit is dropped first. EEXIST when something is loaded that is not kjump's.
 */
int loader_ensure(const struct config *config, struct loader *ret, struct error *err);
/*
 * The home that loading CONFIG's kernel B would take now, without loading it: home_* and reserved
 * of *RET. ENOMEM when there is no place, EFBIG when the machine is too small, ERANGE when CONFIG's
 * home is, E2BIG when the command line is too long; others are of the kernel and the initramfs.
 */
int loader_place(const struct config *config, struct state *ret, struct error *err);
void loader_close(struct loader *loader);

/*
 * Is the machine's memory as it was when LOADER's kernel B was loaded? To be asked right before a
 * jump; ESTALE says what changed, and then B must be loaded anew.
 */
int loader_is_current(const struct loader *loader, struct error *err);

/* Drop what is loaded, the mailbox and the record; nothing to drop is no error. */
int loader_drop(struct error *err);

/*
 * The same for what kjump itself loaded: another kernel that was loaded for kexec since stays.
 * Nothing to drop is no error.
 */
int loader_drop_own(struct error *err);

#endif
