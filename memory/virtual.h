/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the frozen kernel's virtual memory through its own page tables. */
#ifndef MEMORY_VIRTUAL_H
#define MEMORY_VIRTUAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/runs.h"
#include "memory/memory.h"
#include "memory/vmcoreinfo.h"

/* Zero-initialise but for the first two; virtual_close() ends it. */
struct virtual_memory {
	const struct frozen *frozen;
	const struct kernel_layout *layout;
	uint64_t *swapped; /* where the content of the home is (kexec_list_read()), once needed */
	struct memory_window tables[5]; /* one a level: neighbours share their upper tables */
	struct memory_window data;
};

void virtual_close(struct virtual_memory *v);

/*
 * Physical address of ADDRESS, and in *REST how many bytes from there on the same page (of any
 * size) maps and virtual_physical() reads in one piece. EFAULT when it is not mapped; ENXIO when a
 * table lies outside RAM, or in the home and it cannot be told where its content is.
 */
int virtual_translate(struct virtual_memory *v, uint64_t address, uint64_t *physical,
		      uint64_t *rest, struct error *err);

/*
 * SIZE bytes at the physical ADDRESS, as virtual_translate() gave them: inside one RAM range, and
 * inside one frame where that is the home's, whose content is read where it was swapped to. Valid
 * until the next call.
 */
int virtual_physical(struct virtual_memory *v, uint64_t address, uint64_t size, const void **ret,
		     struct error *err);

/* Copy SIZE bytes from the virtual ADDRESS, across pages. */
int virtual_read(struct virtual_memory *v, uint64_t address, void *buffer, size_t size,
		 struct error *err);

#endif
