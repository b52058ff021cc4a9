/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside memory/: byte ranges of RAM in ascending order, as a kernel lists its resources, into
 * frames. What adjoins is merged first, then only whole frames count (under UEFI entries are split
 * at addresses inside a page).
 */
#ifndef MEMORY_SPANS_H
#define MEMORY_SPANS_H

#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"

#define SPANS_RAM "System RAM" /* what kernels call it */

/* Zero-initialise but for RET, which is the caller's. */
struct spans {
	uint64_t start, end; /* bytes that are being merged; END is behind the last */
	struct runs *ret;
};

/*
 * The next entry NAME of a list of resources, [START, LAST]; what is no RAM is passed over, and
 * what lies inside of the last one. RAM may lie inside of other entries (a CXL window). EOPNOTSUPP
 * for memory that a driver added ("System RAM (kmem)"), EINVAL when it is out of order or out of
 * bounds.
 */
int spans_add(struct spans *spans, const char *name, uint64_t start, uint64_t last,
	      struct error *err);
int spans_finish(struct spans *spans, struct error *err);

#endif
