/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How large the restore payload's segment is: kernel C lays it out, and kernel B has to know before
 * it commits an image that the payload will fit into the home.
 */
#ifndef COMMON_PAYLOAD_H
#define COMMON_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"

/*
 * Pages that identity page tables of these ranges of frames (sorted), and of two pages of
 * registers, take at most. It grows with the RAM, not with its highest address.
 */
uint64_t payload_table_pages(const struct run *ranges, size_t count, bool gib_pages);

/* Bytes of the segment, a multiple of FRAME_SIZE, with that many records of each kind. */
uint64_t payload_size(const struct run *ranges, size_t count, bool gib_pages, uint64_t chunks,
		      uint64_t runs, uint64_t clears);

#endif
