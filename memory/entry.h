/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address at which a frozen kernel A waits to be re-entered. */
#ifndef MEMORY_ENTRY_H
#define MEMORY_ENTRY_H

#include "memory/memory.h"

/*
 * Fails with EINVAL when ENTRY (physical) does not look like such a place: in RAM (sorted), not in
 * the home (sorted), behind the call instruction that A left by.
 */
int memory_check_entry(struct memory *memory, uint64_t entry, const struct runs *ram,
		       const struct runs *home, struct error *err);

#endif
