/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for the kernel that will restore this machine. */
#ifndef KJUMP_CHECK_ROOM_H
#define KJUMP_CHECK_ROOM_H

#include <stdint.h>

#include "common/error.h"
#include "kjump/load/state.h"

/* Files of the running system, or of a machine that a test makes up. */
struct room_paths {
	const char *meminfo, *drop_caches;
	const char *footprint; /* what kjump-restore noted when this system booted, if it did */
	const char *iomem, *boot_params;
	const char *zoneinfo;
};

/*
 * See to it that the boot kernel can put all of memory back: it needs frames of its own, as many
 * as kernel, initramfs and a reserve take, and finds them where this system has nothing, which is
 * in free memory, with what CPUs keep of it for themselves, and in the home of STATE. How many
 * these are was measured when this system booted, as the next boot has the same kernel and
 * initramfs, as a rule; where it was not, an estimate has to do. Drops clean caches if there is too
 * little, and fails with ENOMEM when that does not help.
 */
int room_make(const struct room_paths *paths, const struct state *state, struct error *err);

/*
 * Bytes of RAM that the boot kernel takes for itself, as room_make() and room_check() see it, a
 * home that is reserved for kernel B included.
 */
int room_boot(const struct room_paths *paths, const struct state *state, uint64_t *ret,
	      struct error *err);

/*
 * Would room_make() succeed? Changes nothing, so it goes by the kernel's estimate of what can be
 * dropped.
 */
int room_check(const struct room_paths *paths, const struct state *state, struct error *err);

#endif
