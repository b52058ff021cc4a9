/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMCOREINFO: what a kernel tells of itself to those who read its memory, as lines KEY=VALUE
 * (kernel/crash_core.c up to 6.8, kernel/vmcore_info.c since).
 */
#ifndef MEMORY_VMCOREINFO_H
#define MEMORY_VMCOREINFO_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* What the free-page finder needs. Offsets and sizes in bytes, addresses virtual but for root. */
struct kernel_layout {
	uint64_t phys_base; /* added to (virtual - start of the kernel map), modulo 2^64 */
	uint64_t root;	    /* physical address of the top-level page table */
	uint64_t sme_mask;
	bool level5;
	uint64_t stext;
	bool has_vmemmap;
	uint64_t vmemmap;
	uint64_t mem_section, mem_section_count, mem_section_size, section_map_offset;
	uint64_t section_bits; /* log2 of the bytes of one section */
	uint64_t page_size_of_struct, page_flags, page_refcount, page_mapcount, page_private;
	uint32_t buddy;
	bool has_offline, has_unaccepted, has_hwpoison;
	uint32_t offline, unaccepted;
	uint64_t hwpoison_bit;
	uint64_t orders; /* number of buddy orders */
	/* Counters of free pages: one node, or an array of pointers to nodes. */
	bool numa;
	uint64_t nodes, node_count;
	uint64_t node_zones, node_nr_zones;
	uint64_t zone_size, zone_vm_stat, nr_free_pages;
};

/* Start of the kernel image map (arch/x86/include/asm/page_64_types.h: __START_KERNEL_map). */
#define KERNEL_MAP_START 0xffffffff80000000ULL

/*
 * Parse TEXT (NUL-terminated). Unknown keys are ignored, order does not matter. A key that the
 * finder cannot do without and that is absent fails with ENODATA, one that is no number with
 * EINVAL; the error names it.
 */
int vmcoreinfo_parse(const char *text, struct kernel_layout *ret, struct error *err);

/*
 * The value of KEY: decimal with a sign, or hexadecimal when it starts with 0x or the key is a
 * SYMBOL() (those have no 0x). Returns false when it is absent or malformed.
 */
bool vmcoreinfo_value(const char *text, const char *key, uint64_t *ret);

/*
 * Physical address of the running kernel's note from PATH (/sys/kernel/vmcoreinfo: an address and
 * a size, both hexadecimal). Negative errno value when there is no such file.
 */
int vmcoreinfo_address(const char *path, uint64_t *ret, struct error *err);

#endif
