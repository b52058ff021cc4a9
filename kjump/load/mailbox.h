/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A's side of the mailbox: a huge page that a file on a hugetlbfs of kjump's own holds, because
 * such a page stays at its frame between separate runs of kjump, as nothing else does.
 */
#ifndef KJUMP_LOAD_MAILBOX_H
#define KJUMP_LOAD_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/abi.h"
#include "common/error.h"

/* Entries of /proc/PID/pagemap. */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_FRAME	((1ULL << 55) - 1)

struct mailbox_page {
	struct mailbox *mailbox; /* mapped; NULL when there is none */
	uint64_t pfn;
	bool raised; /* the system's pool of huge pages was raised by one for it */
};

/*
 * Make the mailbox, or take the one that is there, and start it afresh with a new nonce; if that
 * can be, outside of AVOID (NULL: anywhere). Ended by mailbox_close() for this process and
 * mailbox_remove() for good.
 */
int mailbox_create(struct mailbox_page *page, const struct run *avoid, struct error *err);

/* Map the mailbox that is there; ENOENT when there is none. */
int mailbox_open(struct mailbox_page *page, struct error *err);

void mailbox_close(struct mailbox_page *page);

/* Give the page back to the system; LOWER the pool when it was raised. Quiet when none is there. */
void mailbox_remove(bool lower);

/* Frame of the page that holds ADDRESS in this process, from PAGEMAP (/proc/self/pagemap). */
int mailbox_frame(const char *pagemap, const void *address, uint64_t *ret, struct error *err);

#endif
