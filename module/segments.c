// SPDX-License-Identifier: GPL-2.0
/* Which memory may be swapped away. Nothing that the caller says is believed. */
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/page-flags.h>
#include <linux/uaccess.h>

#include <asm/e820/api.h>

#include "kjump.h"
#include "symbols.h"

#define LOW_END SZ_1M
#define STRETCH (u64) SZ_2M

static int check_shape(const struct kjump_segment *segment)
{
	u64 end;

	if (!segment->size || segment->size % PAGE_SIZE || segment->address % PAGE_SIZE ||
	    segment->buffer_size > segment->size ||
	    check_add_overflow(segment->address, segment->size, &end) ||
	    end > 1ULL << boot_cpu_data.x86_phys_bits)
		return kjump_refuse(-EINVAL, "segment %#llx: not whole pages of memory",
				    segment->address);
	return 0;
}

static bool overlap(const struct kjump_segment *a, const struct kjump_segment *b)
{
	return a->address < b->address + b->size && b->address < a->address + a->size;
}

static bool contains(const struct kjump_segment *segment, u64 address)
{
	return address >= segment->address && address - segment->address < segment->size;
}

/* Each by itself, then with those before it, then all together. */
static int check_all(const struct kjump_load *load, const struct kjump_segment *segments)
{
	u64 pages = 0, limit = totalram_pages() / 2;
	bool entered = false;
	int ret;

	for (unsigned int i = 0; i < load->count; i++) {
		ret = check_shape(segments + i);
		if (ret)
			return ret;
		for (unsigned int k = 0; k < i; k++) {
			if (overlap(segments + i, segments + k))
				return kjump_refuse(-EINVAL, "segment %#llx: overlaps another one",
						    segments[i].address);
		}
		pages += segments[i].size / PAGE_SIZE;
		if (pages > limit)
			return kjump_refuse(-ENOMEM, "more than half of the memory");
		entered |= contains(segments + i, load->entry);
	}
	if (!entered)
		return kjump_refuse(-EINVAL, "entry %#llx: in no segment", load->entry);
	return 0;
}

int kjump_segments_read(const struct kjump_load *load, struct kjump_segment *segments)
{
	if (!load->count || load->count > KJUMP_SEGMENTS_MAX)
		return kjump_refuse(-EINVAL, "%u segments, not 1 to %d", load->count,
				    KJUMP_SEGMENTS_MAX);
	if (copy_from_user(segments, u64_to_user_ptr(load->segments),
			   load->count * sizeof(*segments)))
		return -EFAULT;
	return check_all(load, segments);
}

/* Exported, but in newer kernels only to KVM. Without it only the system's own memory is RAM. */
DEFINE_STATIC_CALL_NULL(kjump_firmware_has, e820__mapped_raw_any);
static bool have_firmware __ro_after_init;

void kjump_segments_find(void)
{
	have_firmware = KJUMP_BIND(kjump_firmware_has, "e820__mapped_raw_any");
}

static bool firmware_has(u64 start, u64 end, enum e820_type type)
{
	return static_call(kjump_firmware_has)(start, end, type);
}

/*
 * What is not the system's was left to others at boot (memmap=). It has to be RAM from the first
 * byte to the last in the firmware's map all the same, and not the registers of a device.
 */
static bool is_spare_ram(u64 address)
{
	static const enum e820_type others[] = { E820_TYPE_RESERVED, E820_TYPE_ACPI, E820_TYPE_NVS,
						 E820_TYPE_UNUSABLE, E820_TYPE_PMEM };

	if (!have_firmware)
		return false;
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++) {
		if (firmware_has(address, address + PAGE_SIZE, others[i]))
			return false;
	}
	return firmware_has(address, address + 1, E820_TYPE_RAM) &&
	       firmware_has(address + PAGE_SIZE - 1, address + PAGE_SIZE, E820_TYPE_RAM);
}

static int is_crash_range(struct resource *resource, void *found)
{
	*(bool *)found = true;
	return 1;
}

/* Set aside for a crash kernel: reserved, but nothing of this kernel's lies there. */
static bool in_crash_range(u64 address)
{
	bool found = false;

	walk_iomem_res_desc(IORES_DESC_CRASH_KERNEL, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY,
			    address, address + PAGE_SIZE - 1, &found, is_crash_range);
	return found;
}

/*
 * Why a page of the system's own memory must stay where it is, or NULL. Reserved is what the kernel
 * took before it had an allocator: its image, per-CPU areas (where the other CPUs idle meanwhile),
 * the memmap, early page tables. Below 1 MiB all is, and what is needed there (the CPUs'
 * trampoline) is needed only when the system is back.
 */
static const char *unusable_of_system(u64 address)
{
	struct page *page = pfn_to_online_page(PHYS_PFN(address));

	if (!page)
		return "offline";
	if (PageHWPoison(page))
		return "poisoned";
	if (PageOffline(page))
		return "not backed by memory";
	if (PageReserved(page) && address >= LOW_END && !in_crash_range(address))
		return "the kernel's";
	return NULL;
}

static const char *unusable(u64 address)
{
	switch (region_intersects(address, PAGE_SIZE, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE)) {
	case REGION_INTERSECTS:
		return unusable_of_system(address);
	case REGION_DISJOINT:
		return is_spare_ram(address) ? NULL : "not RAM";
	default:
		return "only in part RAM";
	}
}

/* Within one stretch, most of which are the system's memory as a whole. */
static int check_pages(u64 start, u64 end)
{
	bool system = region_intersects(start, end - start, IORESOURCE_SYSTEM_RAM,
					IORES_DESC_NONE) == REGION_INTERSECTS;

	for (u64 address = start; address < end; address += PAGE_SIZE) {
		const char *cause = system ? unusable_of_system(address) : unusable(address);

		if (cause)
			return kjump_refuse(-EADDRNOTAVAIL, "page %#llx: %s", address, cause);
	}
	cond_resched();
	return 0;
}

int kjump_range_usable(const struct kjump_range *range)
{
	u64 start = range->start, end;
	int ret = 0;

	for (; !ret && start < range->end; start = end) {
		end = min(round_down(start, STRETCH) + STRETCH, range->end);
		ret = check_pages(start, end);
	}
	return ret;
}
