/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernel B must know about the running system.
 */
#ifndef KJUMP_LOAD_GATHER_H
#define KJUMP_LOAD_GATHER_H

#include "common/abi.h"
#include "common/error.h"
#include "common/runs.h"
#include "kjump/load/mailbox.h"
#include "kjump/load/reserved.h"

/*
 * Fill all of *RET that jump_load() does not, and *RAM with the system's RAM (zero-initialised by
 * the caller, runs_free() ends it).
 */
int gather_handoff(const struct mailbox_page *page, struct handoff *ret, struct runs *ram,
		   struct error *err);

/*
 * A home outside of what the system knows as its RAM is RAM all the same: to the kernel that
 * restores, to the accounts of the image, and to those who jump. Adds it to RAM and to HANDOFF;
 * E2BIG when there is no room.
 */
int gather_reserved(const struct reserved *reserved, struct runs *ram, struct handoff *handoff,
		    struct error *err);

#endif
