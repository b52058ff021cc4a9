/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's memory as it is now. What kernel B was told when it was loaded is no longer true
 * once memory was plugged in or taken away, or a range that was reserved for it was given back.
 */
#ifndef KJUMP_LOAD_MEMORY_MAP_H
#define KJUMP_LOAD_MEMORY_MAP_H

#include <stdint.h>

#include "common/error.h"
#include "kjump/load/reserved.h"
#include "kjump/load/state.h"

/* XXH3 of System RAM and the firmware's map: iomem and firmware of PATHS. */
int memory_map_digest(const struct reserved_paths *paths, uint64_t *ret, struct error *err);

/*
 * Is memory what it was when STATE was made, and the home still A's to give? ESTALE says what is
 * not so: then what is loaded must not be entered.
 */
int memory_map_check(const struct reserved_paths *paths, const struct state *state,
		     struct error *err);

#endif
