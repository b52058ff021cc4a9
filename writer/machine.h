/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image's record of the machine that it belongs to.
 */
#ifndef WRITER_MACHINE_H
#define WRITER_MACHINE_H

#include "common/error.h"
#include "common/runs.h"
#include "image/format.h"
#include "memory/memory.h"

/*
 * Fill in the record, with STAMPS (STAMP_MAX of them, as far as they are known). RAM and HOME are
 * sorted. Fails with EINVAL when the live page's entry does not look like a place at which kernel A
 * waits to be re-entered.
 */
int machine_describe(struct memory *memory, const struct handoff_view *view,
		     const struct mailbox *mailbox, const uint64_t *stamps, const struct runs *ram,
		     const struct runs *home, struct image_machine *ret, struct error *err);

#endif
