/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Touching fresh memory with all CPUs: the kernel clears each page in the thread that asks. */
#ifndef RESTORE_POPULATE_H
#define RESTORE_POPULATE_H

#include <stddef.h>

/*
 * Write to every page of PAGE_SIZE bytes in SIZE bytes at BASE, with one thread a CPU. The memory
 * must be writable and reserved, as a mapping of huge pages is.
 */
void populate(void *base, size_t size, size_t page_size);

#endif
