/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The code between kernels (entry.S, thunk.S, payload.S), as flat binaries. */
#ifndef JUMP_BLOBS_H
#define JUMP_BLOBS_H

extern const unsigned char jump_entry[], jump_entry_end[];
extern const unsigned char jump_thunk[], jump_thunk_end[];
extern const unsigned char jump_payload[], jump_payload_end[];

#endif
