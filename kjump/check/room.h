/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for the kernel that will restore this machine. */
#ifndef KJUMP_CHECK_ROOM_H
#define KJUMP_CHECK_ROOM_H

#include <stdint.h>

#include "common/error.h"
#include "kjump/load/state.h"

/*
 * See to it that the boot kernel can put all of memory back: it needs frames of its own, as many
 * as kernel, initramfs and a reserve take, and finds them where this system has nothing, which is
 * in free memory and in the home (HOME bytes). Drops clean caches if there is too little, and
 * fails with ENOMEM when that does not help. MEMINFO and DROP_CACHES are paths.
 */
int room_make(const char *meminfo, const char *drop_caches, uint64_t home, struct error *err);

/*
 * The home as room_make() wants it: what is reserved here is most likely reserved for the boot
 * kernel too, so that it cannot use it.
 */
uint64_t room_home(const struct state *state);

/*
 * Would room_make() succeed? Changes nothing, so it goes by the kernel's estimate of what can be
 * dropped.
 */
int room_check(const char *meminfo, uint64_t home, struct error *err);

#endif
