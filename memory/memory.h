/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A's frozen memory, wherever it is read from: physical memory through /dev/mem in kernel B, or a
 * plain file in tests.
 */
#ifndef MEMORY_MEMORY_H
#define MEMORY_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"
#include "common/error.h"
#include "common/runs.h"

/* Frames mapped at once by one window: 64 MiB, 128 KiB of page tables. */
#define MEMORY_WINDOW_PAGES 16384

struct memory; /* thread-safe: windows are independent */

/*
 * Physical memory. The path is /dev/mem in earnest; any file whose byte N is physical byte N
 * serves in its place (tests). *RET is ended by memory_close().
 */
int memory_open(const char *path, struct memory **ret, struct error *err);
void memory_close(struct memory *memory);

/* Is FD open on the very file or device that the memory is read from? */
bool memory_is_read_from(const struct memory *memory, int fd);

/* A window; zero-initialise, memory_unmap() ends it. Each thread has its own. */
struct memory_window {
	const unsigned char *base; /* of the first frame */
	uint64_t pfn, count;
	void *mapping; /* what memory_unmap() gives back */
	size_t length;
};

/*
 * Bytes of the COUNT frames from PFN (read only), valid until the next call for this window. The
 * window slides: of memory it maps up to MEMORY_WINDOW_PAGES from PFN on, but never beyond LIMIT (a
 * PFN), the end of the RAM range that PFN lies in, because a mapping must not mix RAM with anything
 * else; of a core file it reads what is asked for. COUNT is at most MEMORY_WINDOW_PAGES.
 */
int memory_map(struct memory *memory, struct memory_window *window, uint64_t pfn, uint64_t count,
	       uint64_t limit, const void **ret, struct error *err);
void memory_unmap(struct memory_window *window);

/*
 * A kernel that does not run, as what reads it sees it: its RAM, and the frames where another
 * kernel lives now, with the way to what was in them. Lists are the caller's.
 */
struct frozen {
	struct memory *memory;
	const struct runs *ram;	 /* sorted: what the kernel calls RAM */
	const struct runs *home; /* sorted: frames whose content was swapped away */
	uint64_t list;		 /* first entry of its list of swapped pages; 0 = unknown */
};

/* Map SIZE bytes at physical ADDRESS (both multiples of 4096) for reading and writing. */
int memory_map_rw(struct memory *memory, uint64_t address, size_t size, void **ret,
		  struct error *err);

/* --- RAM maps (ranges.c) --- */

/*
 * "System RAM" of an /proc/iomem listing at PATH: adjacent entries are merged first, then rounded
 * inwards to whole frames (under UEFI entries are split at addresses inside a page).
 */
int memory_system_ram(const char *path, struct runs *ret, struct error *err);

/* Physical start of the top-level or nested entry NAME ("Kernel code") of /proc/iomem; ENOENT. */
int memory_iomem_start(const char *path, const char *name, uint64_t *ret, struct error *err);

/* Whole frames of all entries NAME of /proc/iomem, nested ones too, sorted; none is no error. */
int memory_iomem_ranges(const char *path, const char *name, struct runs *ret, struct error *err);

/* /sys/firmware/memmap at PATH, sorted by start. *RET is from malloc, *COUNT entries. */
int memory_firmware_map(const char *path, struct firmware_range **ret, size_t *count,
			struct error *err);

/*
 * RAM of the map that the boot loader gave (boot-map.c), in frames: e820_table of struct
 * boot_params at PATH/data and what setup_data adds to it, PATH being /sys/kernel/boot_params.
 * Unlike /sys/firmware/memmap it has nothing that was plugged in later.
 */
int memory_boot_ram(const char *path, struct runs *ret, struct error *err);

/* End of a range of a firmware memory map; the last byte of the address space counts as an end. */
static inline uint64_t memory_range_end(const struct firmware_range *range)
{
	uint64_t end;

	return __builtin_add_overflow(range->start, range->size, &end) ? UINT64_MAX : end;
}

/*
 * RAM of a sorted firmware map in frames (firmware-ram.c): what touches is merged before it is
 * rounded inwards, because firmware may split RAM inside a page. Returns 0 or a negative errno
 * value.
 */
int memory_firmware_ram(const struct firmware_range *map, size_t count, struct runs *ret);

/*
 * The same of ACPI tables: memory that the firmware has filled in and does not use any more itself
 * (ACPI specification, 15.4, AddressRangeACPI), so that kernels may write to it.
 */
int memory_firmware_acpi(const struct firmware_range *map, size_t count, struct runs *ret);

/* --- handoff area (handoff.c) --- */

/* Physical address of the home from "kjump.home=0x..." of the kernel command line at PATH. */
int memory_home_address(const char *path, uint64_t *ret, struct error *err);

struct handoff_view {
	const struct handoff *handoff;
	struct live_page *live;
	bool manual; /* made by manual_handoff(): there is no mailbox */
};

/* Map and check the handoff area of the home that starts at HOME: magic, version, CRC, counts. */
int memory_handoff(struct memory *memory, uint64_t home, struct handoff_view *ret,
		   struct error *err);

/*
 * Map A's mailbox and check that it is the one the handoff names and holds a request that was not
 * answered yet. ESTALE otherwise: then nothing may be written, and B jumps back.
 */
int memory_mailbox(struct memory *memory, const struct handoff *handoff, struct mailbox **ret,
		   struct error *err);

/* Is this the mailbox that the nonce names? (magic, version, nonce; no I/O) */
int memory_mailbox_check(const struct mailbox *mailbox, const uint8_t nonce[16], struct error *err);

/* --- answering (mailbox.c) --- */

/*
 * Store OUTCOME in the mailbox, then mark its request as answered. Nothing else may be written to
 * the mailbox before that: its frame is part of the image, and belongs there with the question.
 */
void memory_outcome_store(struct mailbox *mailbox, const struct outcome *outcome);

/*
 * Give the running kernel the request's random bytes, have its generators seeded anew, and put
 * zeros in their place; none is no error, for that was done then. RANDOM is /dev/random.
 */
int memory_entropy_take(struct mailbox *mailbox, const char *random, struct error *err);

/*
 * Put the end of the running kernel's log into the outcome, for the moment before the jump back.
 * When the log cannot be read the outcome has none (log_size 0).
 */
int memory_log_store(struct mailbox *mailbox, struct error *err);

/*
 * Copy the last whole lines of the SIZE bytes at LOG that fit into MAX bytes to RET; a single line
 * longer than that is cut at its front. Returns the bytes copied.
 */
size_t memory_log_tail(const char *log, size_t size, char *ret, size_t max);

#endif
