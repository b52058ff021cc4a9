/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages of a frozen kernel are free, found from its memory map (struct page) alone, and
 * which must be neither read nor written.
 */
#ifndef MEMORY_FREEPAGES_H
#define MEMORY_FREEPAGES_H

#include "common/error.h"
#include "common/runs.h"
#include "memory/memory.h"

/* Zero-initialise; free_pages_free() ends it. */
struct free_pages {
	size_t limit;		 /* the caller's: runs that each list may have; 0 = any number */
	struct runs free;	 /* sorted, inside RAM, outside the home; the long ones */
	struct runs untouchable; /* likewise: offline (balloon), poisoned, not accepted */
	uint64_t found;		 /* free pages by the scan, home included */
	uint64_t counted;	 /* free pages by the zones' own counters */
	uint64_t bad;		 /* entries that look free but cannot be; taken as in use */
	uint64_t poisoned;	 /* pages of UNTOUCHABLE with memory errors */
	uint64_t offline;	 /* pages of UNTOUCHABLE that are nobody's (a balloon's) */
	bool by_top_byte;	 /* free pages were told by the top byte of their type alone */
};

void free_pages_free(struct free_pages *pages);

/*
 * Find them. VMCOREINFO is the frozen kernel's text. Any doubt is an error that says which gate
 * failed (the caller then leaves nothing out): a key is missing, the page tables do not fit the
 * kernel, sections disagree about where the memory map is, or the result differs from the zones'
 * own count of free pages by more than 1024 and SLACK, which is for a kernel that runs. When the
 * types of free pages do not fit and the kernel has types in their top byte, that alone is tried.
 * E2BIG when there are more runs of untouchable frames than the list may have: none of those can be
 * left out.
 */
int free_pages_find(const struct frozen *frozen, const char *vmcoreinfo, uint64_t slack,
		    struct free_pages *ret, struct error *err);

#endif
