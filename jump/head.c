/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of the home. */
#include "jump/head.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/crc32c.h"
#include "jump/jump.h"

#define LOW_END (JUMP_LOW_SIZE >> FRAME_SHIFT)

int head_low_ram(const struct handoff *handoff, struct runs *ret, struct error *err)
{
	struct runs ram = { .v = (struct run *)handoff->ram, .n = handoff->ram_count };
	struct run range = { 1, LOW_END - 1 };
	struct runs below = { .v = &range, .n = 1 };
	int r = runs_intersect(&ram, &below, ret);

	if (r < 0)
		return error_set(err, -r, "list of low memory");
	if (!ret->n)
		return error_set(err, ENOMEM, "no RAM below 640 KiB; kernel B cannot start there");
	return 0;
}

int head_cmdline(char *ret, const char *cmdline, uint64_t home_start, struct error *err)
{
	/* To its firmware the head is RAM like the rest of the home, or B's own jump module would
	 * not touch it; B is told to leave it alone. */
	int n = snprintf(ret, HEAD_CMDLINE_MAX, "%s kjump.home=0x%" PRIx64 " memmap=%dK$0x%" PRIx64,
			 cmdline, home_start, HEAD_SIZE >> 10, home_start);

	if (n >= HEAD_CMDLINE_MAX)
		return error_set(err, E2BIG, "command line of kernel B: longer than %d bytes",
				 HEAD_CMDLINE_MAX - 1);
	return 0;
}

int head_handoff(void *head, uint64_t start, uint64_t size, const struct runs *low,
		 struct handoff *handoff, struct error *err)
{
	struct live_page live = { .magic = LIVE_MAGIC, .version = ABI_VERSION };

	if (low->n + 1 > HANDOFF_HOME_MAX)
		return error_set(err, E2BIG, "more than %d ranges of RAM below 640 KiB",
				 HANDOFF_HOME_MAX - 1);
	memcpy(handoff->magic, HANDOFF_MAGIC, sizeof(handoff->magic));
	handoff->version = ABI_VERSION;
	handoff->home_start = start;
	memcpy(handoff->home, low->v, low->n * sizeof(*low->v));
	handoff->home[low->n] = (struct run){ start >> FRAME_SHIFT, size >> FRAME_SHIFT };
	handoff->home_count = low->n + 1;
	handoff->crc = 0;
	handoff->crc = crc32c(0, handoff, sizeof(*handoff));
	memset((char *)head + HEAD_LIVE, 0, FRAME_SIZE);
	memcpy((char *)head + HEAD_LIVE, &live, sizeof(live));
	memset((char *)head + HEAD_HANDOFF, 0, HEAD_HANDOFF_SIZE);
	memcpy((char *)head + HEAD_HANDOFF, handoff, sizeof(*handoff));
	return 0;
}
