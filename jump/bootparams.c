/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a boot loader tells kernel B (Documentation/arch/x86/boot.rst, zero-page.rst). */
#include "jump/bootparams.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOADER_UNKNOWN	0xff
#define HEADER_OFFSET	0x1f1
#define HEADER_END_BYTE 0x201 /* the setup header ends at 0x202 + this byte */

/* All of B's memory map, before it is cut into what has room where. */
struct e820 {
	struct boot_e820_entry *entries;
	size_t count, max;
};

/* Entries that touch and have the same type become one. */
static int e820_add(struct e820 *map, uint64_t start, uint64_t end, uint32_t type,
		    struct error *err)
{
	struct boot_e820_entry *entry = map->entries + map->count;

	if (start >= end)
		return 0;
	if (map->count && entry[-1].type == type && entry[-1].addr + entry[-1].size == start) {
		entry[-1].size += end - start;
		return 0;
	}
	if (map->count == map->max)
		return error_set(err, E2BIG, "memory map of kernel B: more than %zu entries",
				 map->max);
	*entry = (struct boot_e820_entry){ .addr = start, .size = end - start, .type = type };
	map->count++;
	return 0;
}

/* One entry of A's RAM: B's parts of it stay RAM, the rest is reserved. PARTS are ascending. */
static int e820_add_ram(struct e820 *map, uint64_t start, uint64_t end, const struct runs *parts,
			struct error *err)
{
	int r;

	for (size_t i = 0; i < parts->n; i++) {
		uint64_t from = parts->v[i].pfn << FRAME_SHIFT;
		uint64_t to = from + (parts->v[i].count << FRAME_SHIFT);

		if (to <= start || from >= end)
			continue;
		from = from < start ? start : from;
		to = to > end ? end : to;
		r = e820_add(map, start, from, FIRMWARE_RESERVED, err);
		if (r < 0)
			return r;
		r = e820_add(map, from, to, FIRMWARE_RAM, err);
		if (r < 0)
			return r;
		start = to;
	}
	return e820_add(map, start, end, FIRMWARE_RESERVED, err);
}

/*
 * A's ACPI tables are saved: what B's kernel takes for such it lets nobody map, but of what is
 * reserved it reads them as well.
 */
static uint32_t type_for_b(uint32_t type)
{
	return type == FIRMWARE_ACPI ? FIRMWARE_RESERVED : type;
}

static int list_e820(struct e820 *map, const struct boot_layout *layout, const struct runs *low,
		     const struct firmware_range *firmware, size_t count, struct error *err)
{
	struct runs parts = { 0 };
	int r = runs_add_all(&parts, low);

	if (r == 0)
		r = runs_add(&parts, layout->home >> FRAME_SHIFT,
			     (layout->home_end - layout->home) >> FRAME_SHIFT);
	if (r < 0)
		r = error_set(err, -r, "memory map of kernel B");
	for (size_t i = 0; r == 0 && i < count; i++) {
		uint64_t end = firmware[i].start + firmware[i].size;

		if (firmware[i].type == FIRMWARE_RAM)
			r = e820_add_ram(map, firmware[i].start, end, &parts, err);
		else
			r = e820_add(map, firmware[i].start, end, type_for_b(firmware[i].type),
				     err);
	}
	runs_free(&parts);
	return r;
}

/*
 * The first entries go into the boot parameters, the others where those point: SETUP_E820_EXT of
 * struct setup_data, which a kernel reads before it touches memory
 * (Documentation/arch/x86/boot.rst).
 */
static void put_e820(struct boot_params *params, void *setup_data, uint64_t setup_address,
		     const struct e820 *map)
{
	size_t first =
		map->count < E820_MAX_ENTRIES_ZEROPAGE ? map->count : E820_MAX_ENTRIES_ZEROPAGE;
	struct setup_data header = { .type = SETUP_E820_EXT };

	memcpy(params->e820_table, map->entries, first * sizeof(*map->entries));
	params->e820_entries = (uint8_t)first;
	if (map->count == first)
		return;
	header.len = (uint32_t)((map->count - first) * sizeof(*map->entries));
	memcpy(setup_data, &header, sizeof(header));
	memcpy((char *)setup_data + sizeof(header), map->entries + first, header.len);
	params->hdr.setup_data = setup_address;
}

static int fill_e820(struct boot_params *params, void *setup_data, const struct boot_layout *layout,
		     const struct runs *low, const struct firmware_range *firmware, size_t count,
		     struct error *err)
{
	struct e820 map = { .max = E820_MAX_ENTRIES_ZEROPAGE +
				   (HEAD_SETUP_SIZE - sizeof(struct setup_data)) /
					   sizeof(*map.entries) };
	int r;

	map.entries = calloc(map.max, sizeof(*map.entries));
	if (!map.entries)
		return error_set(err, ENOMEM, "memory map of kernel B");
	r = list_e820(&map, layout, low, firmware, count, err);
	if (r == 0)
		put_e820(params, setup_data, layout->setup_data, &map);
	free(map.entries);
	return r;
}

/* The running kernel's boot_params: its screen works, and it may know the RSDP. */
static void copy_from_running(struct boot_params *params)
{
	struct boot_params running;
	int fd = open("/sys/kernel/boot_params/data", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return; /* B then has no screen until a driver finds one */
	if (read(fd, &running, sizeof(running)) == (ssize_t)sizeof(running)) {
		params->screen_info = running.screen_info;
		params->acpi_rsdp_addr = running.acpi_rsdp_addr;
	}
	close(fd);
}

/* Under UEFI the RSDP is in no place where a kernel without EFI would search for it. */
static uint64_t rsdp_from_efi(void)
{
	FILE *file = fopen("/sys/firmware/efi/systab", "re");
	uint64_t found = 0, address;
	char line[128];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "ACPI20=0x%" SCNx64, &address) == 1)
			found = address; /* preferred to ACPI 1.0's */
		else if (!found && sscanf(line, "ACPI=0x%" SCNx64, &address) == 1)
			found = address;
	}
	fclose(file);
	return found;
}

int bootparams_fill(struct boot_params *params, void *setup_data, const struct jump_kernel *kernel,
		    const struct boot_layout *layout, const struct runs *low,
		    const struct firmware_range *firmware, size_t count, struct error *err)
{
	size_t header_size = 0x202 + kernel->bytes[HEADER_END_BYTE] - HEADER_OFFSET;

	copy_from_running(params);
	if (!params->acpi_rsdp_addr)
		params->acpi_rsdp_addr = rsdp_from_efi();
	if (header_size > sizeof(params->hdr))
		header_size = sizeof(params->hdr);
	memcpy(&params->hdr, kernel->bytes + HEADER_OFFSET, header_size);
	params->hdr.type_of_loader = LOADER_UNKNOWN;
	params->hdr.loadflags &= ~CAN_USE_HEAP;
	params->hdr.vid_mode = 0xffff; /* normal */
	params->hdr.cmd_line_ptr = (uint32_t)layout->cmdline;
	params->ext_cmd_line_ptr = layout->cmdline >> 32;
	params->hdr.ramdisk_image = (uint32_t)layout->initramfs;
	params->ext_ramdisk_image = layout->initramfs >> 32;
	params->hdr.ramdisk_size = (uint32_t)layout->initramfs_size;
	params->ext_ramdisk_size = layout->initramfs_size >> 32;
	return fill_e820(params, setup_data, layout, low, firmware, count, err);
}
