/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The EFI runtime map: where a kernel has mapped the code and data of the firmware, which was told
 * so once and for all (SetVirtualAddressMap).
 */
#ifndef MEMORY_EFI_MAP_H
#define MEMORY_EFI_MAP_H

#include <stddef.h>

#include "common/abi.h"
#include "common/error.h"

/*
 * Read DIRECTORY/N/{type,phys_addr,virt_addr,num_pages,attribute} for N = 0, 1, ...
 * (/sys/firmware/efi/runtime-map), without what the firmware does not use itself (boot services
 * memory that Linux keeps). *RET is from malloc, *COUNT entries in the order of the directory; none
 * where there is no such map.
 */
int efi_map_read(const char *directory, struct efi_range **ret, size_t *count, struct error *err);

#endif
