/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the running kernel's symbols lie in physical memory. */
#ifndef MEMORY_SYMBOLS_H
#define MEMORY_SYMBOLS_H

#include <stdint.h>

#include "common/error.h"

/*
 * Physical address of the running kernel's SYMBOL (one of the kernel image, not of a module):
 * its virtual address minus that of `_text`, both from KALLSYMS (/proc/kallsyms), plus the start
 * of "Kernel code" in IOMEM (/proc/iomem). Fails with ENOENT when the kernel has no such symbol
 * and EPERM when it hides the addresses.
 */
int memory_symbol_physical(const char *kallsyms, const char *iomem, const char *symbol,
			   uint64_t *ret, struct error *err);

/* Its virtual address. */
int memory_symbol_virtual(const char *kallsyms, const char *symbol, uint64_t *ret,
			  struct error *err);

#endif
