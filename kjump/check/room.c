/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image that no kernel can restore would be a lost session: better to refuse to save it. */
#include "kjump/check/room.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/files.h"

#define KIB 1024ULL

/*
 * What a boot kernel and its initramfs take at least, and what kjump-restore leaves free for
 * them; and the part of all memory that goes into struct pages and the like.
 */
#define BOOT_KERNEL (96ULL << 20)
#define BOOT_SHARE  20 /* one in this many bytes */

static int read_field(const char *text, const char *name, const char *path, uint64_t *ret,
		      struct error *err)
{
	const char *at = strstr(text, name);
	char *end;

	if (at)
		*ret = strtoull(at + strlen(name), &end, 10) * KIB;
	return at && *ret ? 0 : error_set(err, EINVAL, "%s: no '%s'", path, name);
}

/* MemTotal and another field. */
static int read_fields(const char *meminfo, const char *name, uint64_t *total, uint64_t *ret,
		       struct error *err)
{
	char text[4096];
	int status = file_read(meminfo, text, sizeof(text), err);

	if (!status)
		status = read_field(text, "MemTotal:", meminfo, total, err);
	return status ? status : read_field(text, name, meminfo, ret, err);
}

/* UNUSED is the field that says how much memory will hold nothing. */
static int missing(const char *meminfo, const char *unused_name, uint64_t home, uint64_t *ret,
		   struct error *err)
{
	uint64_t total, unused, needed;
	int status = read_fields(meminfo, unused_name, &total, &unused, err);

	if (status)
		return status;
	needed = BOOT_KERNEL + total / BOOT_SHARE;
	*ret = needed > unused + home ? needed - unused - home : 0;
	return 0;
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
	uint64_t lack = 0;
	int status = missing(meminfo, "MemFree:", home, &lack, err);

	if (status || !lack)
		return status;
	status = file_poke(drop_caches, "3", err);
	if (!status)
		status = missing(meminfo, "MemFree:", home, &lack, err);
	return status || !lack ? status : too_full(lack, err);
}

int room_check(const char *meminfo, uint64_t home, struct error *err)
{
	uint64_t lack;
	int status = missing(meminfo, "MemAvailable:", home, &lack, err);

	return status || !lack ? status : too_full(lack, err);
}

uint64_t room_home(const struct state *state)
{
	return state->reserved ? 0 : state->home_size;
}

int room_total(const char *meminfo, uint64_t *ret, struct error *err)
{
	uint64_t unused;

	return read_fields(meminfo, "MemFree:", ret, &unused, err);
}

int room_used(const char *meminfo, uint64_t *ret, struct error *err)
{
	uint64_t total, unused;
	int status = read_fields(meminfo, "MemFree:", &total, &unused, err);

	*ret = status ? 0 : total - unused;
	return status;
}

int room_available(const char *meminfo, uint64_t *ret, struct error *err)
{
	uint64_t total;

	return read_fields(meminfo, "MemAvailable:", &total, ret, err);
}
