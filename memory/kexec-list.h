/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own list of what it swaps when it jumps: which frames of kernel B's home hold what
 * was in which page of kernel A's. While B runs, those pages have the content of A's home.
 */
#ifndef MEMORY_KEXEC_LIST_H
#define MEMORY_KEXEC_LIST_H

#include <stdint.h>

#include "common/error.h"
#include "memory/memory.h"

/*
 * First entry of the running kernel's list: of what is loaded for kexec, as long as it stays
 * loaded. KALLSYMS and KCORE are those of /proc. ENOENT when nothing is loaded, or the kernel has
 * no such symbol.
 */
int kexec_list_find(const char *kallsyms, const char *kcore, uint64_t *ret, struct error *err);

/* Frame DESTINATION (of the home) and frame SOURCE change places. Negative values end the walk. */
typedef int (*kexec_list_visit)(void *context, uint64_t destination, uint64_t source,
				struct error *err);

/*
 * Walk the list of swapped pages of a frozen kernel. Everything in it is checked: EUCLEAN when a
 * page of the list or a source does not lie in RAM outside the home, a destination lies not in the
 * home, or the list does not end.
 */
int kexec_list_walk(const struct frozen *frozen, kexec_list_visit visit, void *context,
		    struct error *err);

/*
 * Where the content of each frame of the home is: *RET is from malloc, one PFN for each frame, in
 * the order of the home's runs; 0 for one that holds nothing of the frozen kernel's. ENODATA when
 * the list is not known, ENOMEM, else as above.
 */
int kexec_list_read(const struct frozen *frozen, uint64_t **ret, struct error *err);

/* Index of frame PFN in such an array; SIZE_MAX when the frame is not in the home. */
size_t kexec_list_index(const struct runs *home, uint64_t pfn);

#endif
