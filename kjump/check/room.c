/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image that no kernel can restore would be a lost session: better to refuse to save it. */
#include "kjump/check/room.h"

#include <errno.h>
#include <inttypes.h>

#include "text/files.h"
#include "text/meminfo.h"

/*
 * What a boot kernel and its initramfs take at least, and what kjump-restore leaves free for
 * them; and the part of all memory that goes into struct pages and the like.
 */
#define BOOT_KERNEL (96ULL << 20)
#define BOOT_SHARE  20 /* one in this many bytes */

/* What the boot kernel lacks when UNUSED bytes and the home's hold nothing. */
static uint64_t missing(const struct meminfo *memory, uint64_t unused, uint64_t home)
{
	uint64_t needed = BOOT_KERNEL + memory->total / BOOT_SHARE;

	return needed > unused + home ? needed - unused - home : 0;
}

static int too_full(uint64_t lack, struct error *err)
{
	return error_set(err, ENOMEM,
			 "memory is too full: the boot kernel would need %" PRIu64
			 " MiB more to put everything back",
			 (lack >> 20) + 1);
}

int room_make(const char *meminfo, const char *drop_caches, uint64_t home, struct error *err)
{
	struct meminfo memory;
	int status = meminfo_read(meminfo, &memory, err);

	if (status || !missing(&memory, memory.free, home))
		return status;
	status = file_poke(drop_caches, "3", err);
	if (!status)
		status = meminfo_read(meminfo, &memory, err);
	if (status || !missing(&memory, memory.free, home))
		return status;
	return too_full(missing(&memory, memory.free, home), err);
}

int room_check(const char *meminfo, uint64_t home, struct error *err)
{
	struct meminfo memory;
	int status = meminfo_read(meminfo, &memory, err);

	if (status || !missing(&memory, memory.available, home))
		return status;
	return too_full(missing(&memory, memory.available, home), err);
}

uint64_t room_home(const struct state *state)
{
	return state->reserved ? 0 : state->home_size;
}
