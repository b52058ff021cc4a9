/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct boot_params for kernel B. */
#ifndef JUMP_BOOTPARAMS_H
#define JUMP_BOOTPARAMS_H

#include <stdint.h>

#include "common/error.h"
#include "jump/jump.h"

/* Where things of kernel B lie; physical addresses and sizes in bytes. */
struct boot_layout {
	uint64_t home, home_end;
	uint64_t kernel; /* start of the kernel proper */
	uint64_t initramfs, initramfs_size;
	uint64_t cmdline;
	uint64_t setup_data;
};

struct boot_params;

/*
 * Fill PARAMS (one zeroed page) for KERNEL at LAYOUT: setup header, screen and RSDP of the
 * running kernel, and an E820 table of FIRMWARE (COUNT entries, sorted) in which only LOW (runs
 * below 640 KiB) and the home are RAM, and the rest of A's RAM, and what holds ACPI tables, is
 * reserved. (Of the home, B is to leave the head alone; its command line says so.)
 * What of the table does not fit into PARAMS goes to SETUP_DATA (HEAD_SETUP_SIZE zeroed bytes).
 * Fails with E2BIG when it is too long even for that.
 */
int bootparams_fill(struct boot_params *params, void *setup_data, const struct jump_kernel *kernel,
		    const struct boot_layout *layout, const struct runs *low,
		    const struct firmware_range *firmware, size_t count, struct error *err);

#endif
