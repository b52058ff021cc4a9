// SPDX-License-Identifier: GPL-2.0
/* Page tables in which the code between kernels runs. */
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include <asm/cpufeature.h>
#include <asm/pgtable_types.h>
#include <asm/special_insns.h>

#include "crossing.h"
#include "kjump.h"

#define LEVEL_BITS   9
#define SHIFT_4LEVEL 39
#define SHIFT_5LEVEL 48
/* Accessed and dirty, so that the CPU need not write to them. */
#define ENTRY_TABLE (_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED)
#define ENTRY_PAGE  (ENTRY_TABLE | _PAGE_DIRTY)

/* The table that the entry leads to, made if need be. */
static u64 *descend(struct kjump_image *image, u64 *entry)
{
	if (!*entry) {
		struct page *page = kjump_page(image, GFP_KERNEL | __GFP_ZERO);

		if (!page)
			return NULL;
		*entry = page_to_phys(page) | ENTRY_TABLE;
	}
	return phys_to_virt(*entry & PHYSICAL_PAGE_MASK);
}

/*
 * Map the largest page that begins at VIRTUAL and PHYSICAL and has no more than SIZE bytes; what is
 * mapped already stays. Returns how many bytes it has, or 0.
 */
static u64 map_page(struct kjump_image *image, u64 virtual, u64 physical, u64 size)
{
	bool five = __read_cr4() & X86_CR4_LA57;
	unsigned int largest = boot_cpu_has(X86_FEATURE_GBPAGES) ? PUD_SHIFT : PMD_SHIFT;
	u64 *table = image->top;

	for (unsigned int shift = five ? SHIFT_5LEVEL : SHIFT_4LEVEL; table; shift -= LEVEL_BITS) {
		u64 *entry = table + (virtual >> shift) % PTRS_PER_PTE;
		u64 bytes = 1ULL << shift;

		if (*entry && (shift == PAGE_SHIFT || *entry & _PAGE_PSE))
			return bytes - virtual % bytes;
		if (!*entry && shift <= largest && bytes <= size &&
		    !((virtual | physical) % bytes)) {
			*entry = physical | ENTRY_PAGE | (shift == PAGE_SHIFT ? 0 : _PAGE_PSE);
			return bytes;
		}
		table = descend(image, entry);
	}
	return 0;
}

static int map(struct kjump_image *image, u64 virtual, u64 physical, u64 size)
{
	while (size) {
		u64 done = map_page(image, virtual, physical, size);

		if (!done)
			return -ENOMEM;
		done = min(done, size);
		virtual += done;
		physical += done;
		size -= done;
	}
	return 0;
}

/* No more than RAM: a large page over a device's registers would read them ahead of time. */
static int map_ram(struct resource *resource, void *image)
{
	u64 start = round_down(resource->start, PAGE_SIZE);

	return map(image, start, start, round_up(resource->end + 1, PAGE_SIZE) - start);
}

static int map_code(struct kjump_image *image)
{
	unsigned long address = (unsigned long)kjump_cross_over & PAGE_MASK;
	int ret = 0;

	for (; !ret && address < (unsigned long)kjump_cross_over_end; address += PAGE_SIZE)
		ret = map(image, address, page_to_phys(vmalloc_to_page((void *)address)),
			  PAGE_SIZE);
	return ret;
}

int kjump_tables_make(struct kjump_image *image)
{
	struct page *page = kjump_page(image, GFP_KERNEL | __GFP_ZERO);
	int ret;

	if (!page)
		return -ENOMEM;
	image->top = page_address(page);
	ret = walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, -1,
				  image, map_ram);
	for (unsigned int i = 0; !ret && i < image->count; i++) {
		const struct kjump_range *range = image->ranges + i;

		ret = map(image, range->start, range->start, range->end - range->start);
	}
	return ret ?: map_code(image);
}
