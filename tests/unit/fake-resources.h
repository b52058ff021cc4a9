/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree of struct resource in a fake kernel's memory. */
#ifndef TESTS_FAKE_RESOURCES_H
#define TESTS_FAKE_RESOURCES_H

#include "fake-kernel.h"

#define RESOURCES_AREA	(KERNEL_DATA + 0x10000) /* struct resource, 64 bytes each */
#define RESOURCES_NAMES (KERNEL_DATA + 0x20000) /* 32 bytes each */
#define RESOURCES_ROOT	(KERNEL_DIRECT + RESOURCES_AREA)

struct resource_entry {
	int depth; /* 1 = below the root */
	uint64_t start, end;
	const char *name;
};

/* What the fake kernel's RAM is, inside of other things as well. */
static const struct resource_entry resources_usual[] = {
	{ 1, 0, 0xfff, "Reserved" },
	{ 1, 0x1000, 48 * KERNEL_MIB - 1, "System RAM" },
	{ 2, 0x200000, 0x2fffff, "Kernel code" },
	{ 2, 0x300000, 0x3fffff, "Kernel data" },
	{ 1, 48 * KERNEL_MIB, 50 * KERNEL_MIB - 1, "PCI Bus 0000:00" },
	{ 2, 48 * KERNEL_MIB, 49 * KERNEL_MIB - 1, "0000:00:01.0" },
	{ 3, 48 * KERNEL_MIB, 49 * KERNEL_MIB - 1, "nvme" },
	{ 1, 50 * KERNEL_MIB, 64 * KERNEL_MIB - 1, "CXL Window 0" },
	{ 2, 50 * KERNEL_MIB, 64 * KERNEL_MIB - 1, "System RAM" },
	{ 1, 0xfee00000, 0xfee00fff, "Local APIC" },
};

#define RESOURCES_USUAL (sizeof(resources_usual) / sizeof(*resources_usual))

static inline uint64_t resource_at(size_t i)
{
	return RESOURCES_AREA + 64 * i;
}

static inline void resource_put(struct fake_kernel *kernel, size_t i,
				const struct resource_entry *entry)
{
	strcpy((char *)kernel->bytes + RESOURCES_NAMES + 32 * i, entry->name);
	memset(kernel->bytes + resource_at(i), 0, 64);
	kernel_put64(kernel, resource_at(i), entry->start);
	kernel_put64(kernel, resource_at(i) + 8, entry->end);
	kernel_put64(kernel, resource_at(i) + 16, KERNEL_DIRECT + RESOURCES_NAMES + 32 * i);
}

static inline void resources_put(struct fake_kernel *kernel, const struct resource_entry *entries,
				 size_t count)
{
	const struct resource_entry root = { 0, 0, UINT64_MAX, "PCI mem" };
	size_t last[8] = { 0 }; /* of each depth */

	resource_put(kernel, 0, &root);
	for (size_t i = 1; i <= count; i++) {
		const struct resource_entry *entry = &entries[i - 1];
		uint64_t parent = resource_at(last[entry->depth - 1]),
			 self = KERNEL_DIRECT + resource_at(i);

		resource_put(kernel, i, entry);
		kernel_put64(kernel, resource_at(i) + 40, KERNEL_DIRECT + parent);
		if (kernel_get64(kernel, parent + 56))
			kernel_put64(kernel, resource_at(last[entry->depth]) + 48, self);
		else
			kernel_put64(kernel, parent + 56, self);
		last[entry->depth] = i;
	}
}

#endif
