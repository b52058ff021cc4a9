/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seals on swap areas. A's pages lie there while it is away, and nothing that another system writes
 * there would show in the area's header. So kernel B takes the signature out of the header, as the
 * kernel's own hibernation does: nobody swaps to the area without putting one there first, and that
 * shows. Kernel A puts it back.
 *
 * The signature that stands in its place is one that swapon(8) of util-linux knows as somebody's
 * suspend data and replaces: a boot that goes on without A has its swap. No kernel acts on it, and
 * resume= does not (that would be S1SUSPEND). Other fields are left alone, so UUID and label are
 * found as before.
 */
#ifndef DISK_SWAPSEAL_H
#define DISK_SWAPSEAL_H

#include <stdbool.h>

#include "common/abi.h"
#include "common/error.h"

/* Bytes of a header page; an area of machines with larger pages is none of ours. */
#define SWAP_PAGE 4096

/* Is there a swap area's header in the page at PLACE, with its signature? */
bool swap_is_open(const struct watch *place);

/*
 * Take the signature out of the header page at PLACE, and flush. EUCLEAN when it is no header; one
 * that is sealed already is none either.
 */
int swap_seal(const struct watch *place, struct error *err);

/* Put it back, and flush. A header that has its signature is left alone. */
int swap_unseal(const struct watch *place, struct error *err);

#endif
