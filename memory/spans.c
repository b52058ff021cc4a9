/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte ranges of RAM into frames. */
#include "memory/spans.h"

#include <errno.h>
#include <string.h>

#include "common/abi.h"

/* No physical address of x86_64 has more bits. */
#define ADDRESS_BITS 52

int spans_finish(struct spans *spans, struct error *err)
{
	uint64_t first = (spans->start + FRAME_SIZE - 1) >> FRAME_SHIFT;
	uint64_t end = spans->end >> FRAME_SHIFT;
	int r = end > first ? runs_add(spans->ret, first, end - first) : 0;

	spans->start = spans->end;
	return r ? error_set(err, -r, "%s: out of memory", SPANS_RAM) : 0;
}

int spans_add(struct spans *spans, const char *name, uint64_t start, uint64_t last,
	      struct error *err)
{
	int r = 0;

	if (!strncmp(name, SPANS_RAM " (", strlen(SPANS_RAM " (")))
		return error_set(err, EOPNOTSUPP, "%.64s: memory added by a driver", name);
	if (strcmp(name, SPANS_RAM) || (start >= spans->start && last < spans->end))
		return 0;
	if (start < spans->end || last < start || last >> ADDRESS_BITS)
		return error_set(err, EINVAL, "entries overlap, are out of order or out of bounds");
	if (start != spans->end) {
		r = spans_finish(spans, err);
		spans->start = start;
	}
	spans->end = last + 1;
	return r;
}
