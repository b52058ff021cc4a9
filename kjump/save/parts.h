/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of one save share: the request (ask.c), the jump (cross.c), and what is made of
 * the answer (save.c).
 */
#ifndef KJUMP_SAVE_PARTS_H
#define KJUMP_SAVE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/abi.h"
#include "common/error.h"
#include "common/tsc-rate.h"
#include "kjump/check/preflight.h"
#include "kjump/load/loader.h"
#include "kjump/options.h"
#include "kjump/save/settle.h"
#include "kjump/watch/resolve.h"

struct save {
	const struct options *options;
	struct tsc_rate start;
	struct preflight preflight;
	struct loader loader;
	struct request request;		     /* A's copies: the mailbox is kernel B's as well */
	struct watch seals[WATCH_SEALS_MAX]; /* request.seal_count of them */
	struct outcome outcome;
	struct settle settle;
	struct error suspended; /* why it was not, after a save that was to suspend */
	uint64_t census;	/* of what could write to a disk, right before it was watched */
	uint64_t back;		/* time-stamp counter when A went on */
};

/* --- ask.c --- */

/* What settings and options say, for all requests of SAVE. */
void ask_fill(struct save *save, enum operation operation);

/*
 * Put the request into the mailbox of the loaded kernel B. From here on until the jump nothing
 * should happen that changes a file system. ESTALE: the mailbox is no good any more.
 */
int ask_post(struct save *save, struct error *err);

/* Has kernel B, or a restore, answered the request that was made last? */
bool ask_is_answered(const struct mailbox *mailbox);

/* --- cross.c --- */

/*
 * Jump, with the system made ready for it, and put back afterwards; with REQUEST_STAY_ON, suspended
 * to RAM as well when it is saved (SAVE->suspended). STAMPS are completed. EAGAIN: what was watched
 * is so no more, post the request anew.
 */
int cross_jump(struct save *save, uint64_t stamps[STAMP_MAX], struct error *err);

#endif
