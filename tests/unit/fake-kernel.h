/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel's memory in a file, as far as the free-page finder looks: page tables with four or
 * five levels, mem_section, a memory map with free blocks, zones with counters, and the
 * VMCOREINFO of several versions. Physical byte N is byte N of the file.
 *
 *   64 MiB of RAM but for a hole at [48 MiB, 50 MiB); one section of 128 MiB
 *   page tables from 1 MiB on; kernel data at 2 MiB; memory map at 4 MiB (2 MiB of it, so that
 *   it can be mapped by one large page or by small ones)
 */
#ifndef TESTS_UNIT_FAKE_KERNEL_H
#define TESTS_UNIT_FAKE_KERNEL_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/abi.h"
#include "common/runs.h"
#include "memory/memory.h"
#include "memory/vmcoreinfo.h"

#define KERNEL_MIB	 0x100000ULL
#define KERNEL_RAM	 (64 * KERNEL_MIB)
#define KERNEL_TABLES	 (1 * KERNEL_MIB)
#define KERNEL_DATA	 (2 * KERNEL_MIB)
#define KERNEL_MEMMAP	 (4 * KERNEL_MIB)
#define KERNEL_PHYS_BASE 0x1000000LL
#define KERNEL_VMEMMAP	 0xffffea0000000000ULL
#define KERNEL_DIRECT	 0xffff888000000000ULL
#define KERNEL_STRUCT	 64
#define KERNEL_FRAMES	 (KERNEL_RAM / FRAME_SIZE)

struct kernel_version {
	const char *name;
	uint32_t buddy, offline;
	bool has_vmemmap; /* SYMBOL(vmemmap) in VMCOREINFO */
	bool has_unaccepted;
	unsigned section_size; /* 16, or 32 with CONFIG_PAGE_EXTENSION */
	unsigned hwpoison_bit;
	bool level5;
	bool small_pages; /* memory map in 4 KiB pages (hugetlb_free_vmemmap) */
};

static const struct kernel_version kernel_versions[] = {
	{ "6.1", 0xffffff7f, 0xfffffeff, false, false, 32, 23, false, false },
	{ "6.6", 0xffffff7f, 0xfffffeff, false, false, 16, 22, true, false },
	{ "6.12", 0xf0000000, 0xf1000000, true, false, 16, 20, false, true },
	{ "6.18", 0xf0000000, 0xf1000000, true, true, 16, 20, true, true },
};

#define KERNEL_VERSIONS (sizeof(kernel_versions) / sizeof(*kernel_versions))

struct fake_kernel {
	struct kernel_version version;
	unsigned char *bytes; /* of RAM */
	int fd;
	char path[40];
	char vmcoreinfo[4096];
	struct memory *memory;
	uint64_t next_table;
	uint64_t counted;
	struct run ram_runs[2];
	struct runs ram, home;
	struct run home_run;
	uint64_t list; /* of swapped pages */
};

static inline void kernel_put64(struct fake_kernel *kernel, uint64_t at, uint64_t value)
{
	memcpy(kernel->bytes + at, &value, sizeof(value));
}

static inline uint64_t kernel_get64(const struct fake_kernel *kernel, uint64_t at)
{
	uint64_t value;

	memcpy(&value, kernel->bytes + at, sizeof(value));
	return value;
}

/* Map one page, of 4 KiB or, where LEVEL is 1, 2 MiB. */
static inline void kernel_map(struct fake_kernel *kernel, uint64_t virtual_address,
			      uint64_t physical, int level)
{
	uint64_t table = KERNEL_TABLES;

	for (int l = kernel->version.level5 ? 4 : 3;; l--) {
		uint64_t entry = table + (virtual_address >> (12 + 9 * l) & 511) * 8;

		if (l == level) {
			kernel_put64(kernel, entry,
				     physical | 0x63 | (level ? 0x80 : 0) | 1ULL << 63);
			return;
		}
		if (!kernel_get64(kernel, entry)) {
			kernel_put64(kernel, entry, kernel->next_table | 0x67);
			kernel->next_table += FRAME_SIZE;
		}
		table = kernel_get64(kernel, entry) & 0xffffffffff000ULL;
	}
}

static inline unsigned char *kernel_page(struct fake_kernel *kernel, uint64_t pfn)
{
	return kernel->bytes + KERNEL_MEMMAP + pfn * KERNEL_STRUCT;
}

static inline void kernel_set_type(struct fake_kernel *kernel, uint64_t pfn, uint32_t type)
{
	memcpy(kernel_page(kernel, pfn) + 48, &type, sizeof(type));
}

/* A free block, as the buddy allocator leaves it; counted by the zone as well. */
static inline void kernel_set_free(struct fake_kernel *kernel, uint64_t pfn, uint64_t order)
{
	kernel_set_type(kernel, pfn, kernel->version.buddy);
	memcpy(kernel_page(kernel, pfn) + 40, &order, sizeof(order));
	kernel->counted += 1ULL << order;
}

/* The zone's counter: zone 1 of node 0, so that an empty zone 0 comes before it. */
static inline void kernel_set_counter(struct fake_kernel *kernel, uint64_t value)
{
	kernel_put64(kernel, KERNEL_DATA + 0x2000 + 0x40 + 0x200 + 0x80, value);
}

static inline void kernel_describe(struct fake_kernel *kernel)
{
	const struct kernel_version *version = &kernel->version;
	char *text = kernel->vmcoreinfo;
	const uint64_t image = KERNEL_MAP_START - (uint64_t)KERNEL_PHYS_BASE;
	int n = snprintf(
		text, sizeof(kernel->vmcoreinfo),
		"OSRELEASE=%s\nPAGESIZE=4096\nNUMBER(phys_base)=%lld\nNUMBER(pgtable_l5_enabled)=%"
		"d\n"
		"NUMBER(sme_mask)=0\nSYMBOL(swapper_pg_dir)=%llx\nSYMBOL(_stext)=%llx\n"
		"SYMBOL(mem_section)=%llx\nLENGTH(mem_section)=2048\nSIZE(mem_section)=%u\n"
		"OFFSET(mem_section.section_mem_map)=0\nNUMBER(SECTION_SIZE_BITS)=27\nSIZE(page)="
		"64\n"
		"OFFSET(page.flags)=0\nOFFSET(page._refcount)=52\nOFFSET(page._mapcount)=48\n"
		"OFFSET(page.private)=40\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=%d\n"
		"NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=%d\nNUMBER(PG_hwpoison)=%u\n"
		"LENGTH(zone.free_area)=11\nSYMBOL(node_data)=%llx\nLENGTH(node_data)=64\n"
		"OFFSET(pglist_data.node_zones)=64\nOFFSET(pglist_data.nr_zones)=16\nSIZE(zone)="
		"512\n"
		"OFFSET(zone.vm_stat)=128\nNUMBER(NR_FREE_PAGES)=0\nKERNELOFFSET=1000000\n"
		"NUMBER(SUSE_PRODUCT_CODE)=1\n",
		version->name, KERNEL_PHYS_BASE, version->level5,
		(unsigned long long)(image + KERNEL_TABLES),
		(unsigned long long)(image + KERNEL_DATA),
		(unsigned long long)(KERNEL_DIRECT + KERNEL_DATA + 0x3000), version->section_size,
		(int32_t)version->buddy, (int32_t)version->offline, version->hwpoison_bit,
		(unsigned long long)(image + KERNEL_DATA + 0x1000));

	if (version->has_vmemmap)
		n += snprintf(text + n, sizeof(kernel->vmcoreinfo) - n, "SYMBOL(vmemmap)=%llx\n",
			      KERNEL_VMEMMAP);
	if (version->has_unaccepted)
		snprintf(text + n, sizeof(kernel->vmcoreinfo) - n,
			 "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)=%d\n", (int32_t)0xf7000000);
}

static inline void kernel_lay_out(struct fake_kernel *kernel)
{
	const uint64_t image = KERNEL_MAP_START - (uint64_t)KERNEL_PHYS_BASE;

	kernel->next_table = KERNEL_TABLES + FRAME_SIZE;
	kernel_map(kernel, image + KERNEL_DATA, KERNEL_DATA, 1);
	kernel_map(kernel, KERNEL_DIRECT + KERNEL_DATA, KERNEL_DATA, 1);
	if (kernel->version.small_pages) {
		for (uint64_t at = 0; at < 2 * KERNEL_MIB; at += FRAME_SIZE)
			kernel_map(kernel, KERNEL_VMEMMAP + at, KERNEL_MEMMAP + at, 0);
	} else {
		kernel_map(kernel, KERNEL_VMEMMAP, KERNEL_MEMMAP, 1);
	}
	/* node_data[0] -> struct pglist_data at +0x2000; mem_section[0] -> roots at +0x8000. */
	kernel_put64(kernel, KERNEL_DATA + 0x1000, KERNEL_DIRECT + KERNEL_DATA + 0x2000);
	kernel->bytes[KERNEL_DATA + 0x2000 + 16] = 2; /* nr_zones */
	kernel_put64(kernel, KERNEL_DATA + 0x3000, KERNEL_DIRECT + KERNEL_DATA + 0x8000);
	kernel_put64(kernel, KERNEL_DATA + 0x8000, KERNEL_VMEMMAP | 0xf);
	for (uint64_t pfn = 0; pfn < 32768; pfn++)
		kernel_set_type(kernel, pfn, 0xffffffff);
}

static inline void kernel_create(struct fake_kernel *kernel, const struct kernel_version *version)
{
	struct error err;

	*kernel = (struct fake_kernel){ .version = *version,
					.path = "/tmp/kjump-kernel-XXXXXX",
					.ram_runs = { { 1, 48 * KERNEL_MIB / FRAME_SIZE - 1 },
						      { 50 * KERNEL_MIB / FRAME_SIZE,
							14 * KERNEL_MIB / FRAME_SIZE } } };
	kernel->ram = (struct runs){ .v = kernel->ram_runs, .n = 2 };
	kernel->fd = mkstemp(kernel->path);
	if (kernel->fd < 0 || ftruncate(kernel->fd, KERNEL_RAM) < 0)
		abort();
	kernel->bytes = mmap(NULL, KERNEL_RAM, PROT_READ | PROT_WRITE, MAP_SHARED, kernel->fd, 0);
	kernel_lay_out(kernel);
	kernel_describe(kernel);
	if (memory_open(kernel->path, &kernel->memory, &err) < 0)
		abort();
}

static inline struct frozen kernel_frozen(const struct fake_kernel *kernel)
{
	return (struct frozen){ .memory = kernel->memory,
				.ram = &kernel->ram,
				.home = &kernel->home,
				.list = kernel->list };
}

/*
 * Another kernel lives in COUNT frames from HOME on, whose content is in those from SOURCE on, as
 * the kernel's list in the frames from LIST on tells.
 */
static inline void kernel_swap(struct fake_kernel *kernel, uint64_t home, uint64_t count,
			       uint64_t source, uint64_t list)
{
	uint64_t at = list << FRAME_SHIFT;

	kernel->home_run = (struct run){ home, count };
	kernel->home = (struct runs){ .v = &kernel->home_run, .n = 1 };
	kernel->list = at | 0x2;
	kernel_put64(kernel, at, home << FRAME_SHIFT | 0x1);
	for (uint64_t i = 0; i < count; i++) {
		unsigned char *from = kernel->bytes + ((home + i) << FRAME_SHIFT);

		memcpy(kernel->bytes + ((source + i) << FRAME_SHIFT), from, FRAME_SIZE);
		memset(from, 0xbb, FRAME_SIZE);
		at += 8;
		if (at % FRAME_SIZE == FRAME_SIZE - 8) {
			kernel_put64(kernel, at, (at + 8) | 0x2);
			at += 8;
		}
		kernel_put64(kernel, at, (source + i) << FRAME_SHIFT | 0x8);
	}
	kernel_put64(kernel, at + 8, 0x4);
}

static inline void kernel_destroy(struct fake_kernel *kernel)
{
	memory_close(kernel->memory);
	munmap(kernel->bytes, KERNEL_RAM);
	close(kernel->fd);
	unlink(kernel->path);
}

#endif
