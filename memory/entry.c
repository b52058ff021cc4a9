/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is that where kernel A waits? A jump to anywhere else is a triple fault at best. */
#include "memory/entry.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* `call *%rdx`: what kernel A left by, so that the entry is the address behind it. */
static const unsigned char call_rdx[] = { 0xff, 0xd2 };

static bool frames_in(const struct runs *ram, const struct runs *home, uint64_t first,
		      uint64_t last)
{
	uint64_t pfn;

	for (pfn = first; pfn <= last; pfn++) {
		if (!runs_contain(ram, pfn) || runs_contain(home, pfn))
			return false;
	}
	return true;
}

int memory_check_entry(struct memory *memory, uint64_t entry, const struct runs *ram,
		       const struct runs *home, struct error *err)
{
	uint64_t call = entry - sizeof(call_rdx);
	uint64_t first = call >> FRAME_SHIFT, last = entry >> FRAME_SHIFT;
	struct memory_window window = { 0 };
	const void *bytes = NULL;
	bool found;
	int r;

	if (entry < sizeof(call_rdx) || !frames_in(ram, home, first, last))
		return error_set(err, EINVAL, "entry %#llx: not in the machine's RAM",
				 (unsigned long long)entry);
	r = memory_map(memory, &window, first, last - first + 1, last + 1, &bytes, err);
	if (r)
		return error_prefix(err, "entry %#llx", (unsigned long long)entry);
	found = !memcmp((const char *)bytes + call % FRAME_SIZE, call_rdx, sizeof(call_rdx));
	memory_unmap(&window);
	if (!found)
		return error_set(err, EINVAL, "entry %#llx: no call instruction before it",
				 (unsigned long long)entry);
	return 0;
}
