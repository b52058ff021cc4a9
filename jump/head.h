/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of the home: what a kernel B that is loaded and one that is put back have in common. */
#ifndef JUMP_HEAD_H
#define JUMP_HEAD_H

#include <stdint.h>

#include "common/abi.h"
#include "common/error.h"
#include "common/runs.h"

#define HEAD_CMDLINE_MAX 2048 /* bytes, with the NUL */

/*
 * A's RAM below 640 KiB except page 0, from the list in HANDOFF: B starts its CPUs there, and A's
 * own trampoline lies there. ENOMEM when there is none.
 */
int head_low_ram(const struct handoff *handoff, struct runs *ret, struct error *err);

/* B's command line, HEAD_CMDLINE_MAX bytes at RET, from what was asked for; E2BIG. */
int head_cmdline(char *ret, const char *cmdline, uint64_t home_start, struct error *err);

/*
 * Complete HANDOFF (magic, version, home from START and SIZE in bytes and from LOW, CRC) and put it
 * into HEAD beside an unused live page. E2BIG when low memory lies in too many pieces.
 */
int head_handoff(void *head, uint64_t start, uint64_t size, const struct runs *low,
		 struct handoff *handoff, struct error *err);

#endif
