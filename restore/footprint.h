/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory this boot has for an image, noted for the system that comes up now: whether the
 * next boot, which is much the same, can put it back is known before it is saved.
 */
#ifndef RESTORE_FOOTPRINT_H
#define RESTORE_FOOTPRINT_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "text/meminfo.h"

/* In the directory of the boot's hooks, which lasts until the system is shut down. */
#define FOOTPRINT_PATH "/run/kjump-boot/footprint"

/*
 * "key = value" lines, for file_read_pairs():
 *
 *   ram_kib        all RAM of the firmware's memory map
 *   total_kib      what the kernel has of it, without its own code and tables (MemTotal), with
 * modules that it knows and that are offline: a restore brings them online free_kib       MemFree
 * and available_kib  MemAvailable and those modules, with the initramfs unpacked and before
 * anything was acquired reserve_kib    what a restore leaves untouched of that, and needs itself,
 * but for the payload's lists room_kib       what is left of available_kib: pages that are neither
 * zero nor free and have no more than that many KiB can be put back
 */
void footprint_format(const struct meminfo *memory, uint64_t ram, uint64_t offline,
		      uint64_t reserve, char *text, size_t size);

/* Measure, by the settings that are in force (restore/tuning.h), and write to PATH, whose directory
 * is made if need be. */
int footprint_note(const char *path, struct error *err);

#endif
