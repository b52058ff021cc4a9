/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The EFI runtime map: where a kernel has mapped the code and data of the firmware, which was told
 * so once and for all (SetVirtualAddressMap).
 */
#ifndef MEMORY_EFI_MAP_H
#define MEMORY_EFI_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/abi.h"
#include "common/error.h"

/* The attributes of an entry as the kernel prints them: the type is the first one. */
#define EFI_TEXTS 5
struct efi_texts {
	char of[EFI_TEXTS][64];
};

/*
 * Read DIRECTORY/NUMBER/{type,phys_addr,virt_addr,num_pages,attribute}. Returns 1, or 0 when there
 * is no such entry.
 */
int efi_map_texts(const char *directory, unsigned number, struct efi_texts *ret, struct error *err);

/*
 * Does memory of this type stay where it is (UEFI specification, EFI_MEMORY_TYPE)? The firmware
 * itself uses run-time code and data, and memory-mapped I/O. Linux keeps pieces of boot services
 * data in its runtime map too, and those move from one boot to the next. Where they push the others
 * about, virt_addr shows it.
 */
bool efi_map_stays(unsigned long type);

/*
 * Read DIRECTORY/N/{type,phys_addr,virt_addr,num_pages,attribute} for N = 0, 1, ...
 * (/sys/firmware/efi/runtime-map), without what the firmware does not use itself (boot services
 * memory that Linux keeps). *RET is from malloc, *COUNT entries in the order of the directory; none
 * where there is no such map.
 */
int efi_map_read(const char *directory, struct efi_range **ret, size_t *count, struct error *err);

#endif
