/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identity page tables for the code between kernels. The first table is a PML5, the second the
 * PML4 it points to, so that the code can start at whichever the CPU's CR4.LA57 asks for.
 */
#ifndef JUMP_IDENTITY_H
#define JUMP_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"
#include "common/error.h"

struct identity {
	uint64_t *tables;      /* caller's memory, `capacity` pages */
	size_t used, capacity; /* pages */
	uint64_t base;	       /* physical address at which the tables will lie */
	bool gib_pages;	       /* the CPU has 1 GiB pages */
};

/* Does this CPU have 1 GiB pages? */
bool identity_gib_pages(void);

/* Start an empty set of tables in CAPACITY pages of MEMORY, which will lie at BASE. */
void identity_init(struct identity *identity, void *memory, size_t capacity, uint64_t base,
		   bool gib_pages);

/*
 * Map the whole pages of [START, START + SIZE), read, write and execute, write-back: the largest
 * page sizes that fit, so that nothing outside is mapped. What is mapped already stays as it is.
 * Fails with ENOSPC when the tables need more pages than there are.
 */
int identity_map(struct identity *identity, uint64_t start, uint64_t size, struct error *err);

/* Map one page at ADDRESS, uncached. */
int identity_map_registers(struct identity *identity, uint64_t address, struct error *err);

/* Map the local APIC's registers, uncached. */
int identity_map_apic(struct identity *identity, struct error *err);

/*
 * No set of tables for these ranges of frames, sorted, and two pages of registers needs more pages
 * than this. It grows with the RAM, not with its highest address.
 */
size_t identity_bound(const struct run *ranges, size_t count, bool gib_pages);

#endif
