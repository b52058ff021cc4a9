/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image that no kernel can restore would be a lost session: better to refuse to save it. */
#include "kjump/check/room.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "memory/memory.h"
#include "text/files.h"
#include "text/keys.h"
#include "text/meminfo.h"

#define KIB 1024ULL

/*
 * Where nobody has measured it: what a boot kernel and its initramfs take at least, and what
 * kjump-restore leaves free for them; and the part of all memory that goes into struct pages and
 * the like.
 */
#define BOOT_KERNEL (96ULL << 20)
#define BOOT_SHARE  20 /* one in this many bytes */

/* Lists of the payload, which the footprint leaves out: one in this many bytes of memory. */
#define LISTS_SHARE 512

/* What kjump-restore noted of this boot (restore/footprint.h). */
struct footprint {
	uint64_t ram_kib, total_kib, free_kib, available_kib, reserve_kib, room_kib;
};

#define FIELD(name) KEY(#name, key_number, struct footprint, name)

static const struct key fields[] = {
	FIELD(ram_kib),	      FIELD(total_kib),	  FIELD(free_kib),
	FIELD(available_kib), FIELD(reserve_kib), FIELD(room_kib),
};

/*
 * Bytes of the modules that were plugged in since a boot had RAM bytes of memory, which the next
 * boot has at hand as the restorer brings them online; 0 when it cannot be told.
 */
static uint64_t plugged(const struct room_paths *paths, uint64_t ram)
{
	struct runs now = { 0 }, booted = { 0 }, more = { 0 };
	struct error ignored = { 0 };
	uint64_t ret = 0, before = 0;

	if (!memory_system_ram(paths->iomem, &now, &ignored) &&
	    !memory_boot_ram(paths->boot_params, &booted, &ignored) &&
	    !runs_subtract(&now, &booted, &more)) {
		ret = runs_total(&more) * FRAME_SIZE;
		before = runs_total(&booted) * FRAME_SIZE;
		before = ram > before ? ram - before : 0;
	}
	runs_free(&now);
	runs_free(&booted);
	runs_free(&more);
	return ret > before ? ret - before : 0;
}

/* Bytes that the boot kernel needs where this system has nothing, as this boot had them. */
static bool measured(const struct room_paths *paths, const struct meminfo *memory, uint64_t *ret)
{
	struct footprint footprint = { 0 };
	struct error ignored = { 0 };
	uint64_t total;

	if (keys_read(fields, sizeof(fields) / sizeof(*fields), &footprint, paths->footprint,
		      &ignored) ||
	    footprint.ram_kib > UINT64_MAX / KIB || footprint.total_kib > footprint.ram_kib ||
	    footprint.room_kib > footprint.ram_kib || !footprint.total_kib)
		return false;
	total = footprint.total_kib * KIB;
	*ret = (footprint.ram_kib - footprint.room_kib) * KIB + memory->total / LISTS_SHARE;
	total += plugged(paths, footprint.ram_kib * KIB);
	/* What else came since then the next boot may not have at hand so early. */
	if (memory->total > total)
		*ret += memory->total - total;
	return true;
}

/* Bytes that the boot kernel takes, with the home where that is reserved. */
static uint64_t boot_needs(const struct room_paths *paths, const struct meminfo *memory,
			   const struct state *state)
{
	uint64_t needed;

	if (measured(paths, memory, &needed))
		return needed;
	needed = BOOT_KERNEL + memory->total / BOOT_SHARE;
	/* What is reserved here is most likely reserved for the boot kernel too. */
	return state->reserved ? needed + state->home_size : needed;
}

/*
 * Bytes of the free pages that CPUs keep at hand (include/linux/mmzone.h: per_cpu_pages), tens of
 * MiB each at times, which MemFree leaves out. They become free when the CPU goes offline, before
 * the jump; the first CPU stays, and so do its pages.
 */
static uint64_t kept_by_cpus(const char *zoneinfo)
{
	unsigned long long sum = 0, count;
	FILE *file = fopen(zoneinfo, "re");
	unsigned cpu = 0;
	char line[256];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		/* "    cpu: 1", and below that "              count:    62". */
		if (sscanf(line, " cpu: %u", &cpu) != 1 && cpu &&
		    sscanf(line, " count: %llu", &count) == 1)
			sum += count;
	}
	fclose(file);
	return sum * FRAME_SIZE;
}

/* What the boot kernel lacks when UNUSED bytes and the home's hold nothing. */
static uint64_t missing(const struct room_paths *paths, const struct meminfo *memory,
			uint64_t unused, const struct state *state)
{
	uint64_t needed = boot_needs(paths, memory, state);

	unused += state->home_size + kept_by_cpus(paths->zoneinfo);
	return needed > unused ? needed - unused : 0;
}

static int too_full(uint64_t lack, struct error *err)
{
	return error_set(err, ENOMEM,
			 "memory is too full: the boot kernel would need %" PRIu64
			 " MiB more to put everything back",
			 (lack >> 20) + 1);
}

int room_make(const struct room_paths *paths, const struct state *state, struct error *err)
{
	struct meminfo memory;
	int status = meminfo_read(paths->meminfo, &memory, err);

	if (status || !missing(paths, &memory, memory.free, state))
		return status;
	status = file_poke(paths->drop_caches, "3", err);
	if (!status)
		status = meminfo_read(paths->meminfo, &memory, err);
	if (status || !missing(paths, &memory, memory.free, state))
		return status;
	return too_full(missing(paths, &memory, memory.free, state), err);
}

int room_check(const struct room_paths *paths, const struct state *state, struct error *err)
{
	struct meminfo memory;
	int status = meminfo_read(paths->meminfo, &memory, err);

	if (status || !missing(paths, &memory, memory.available, state))
		return status;
	return too_full(missing(paths, &memory, memory.available, state), err);
}

int room_boot(const struct room_paths *paths, const struct state *state, uint64_t *ret,
	      struct error *err)
{
	struct meminfo memory;
	int status = meminfo_read(paths->meminfo, &memory, err);

	if (!status)
		*ret = boot_needs(paths, &memory, state);
	return status;
}
