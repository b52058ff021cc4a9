/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures of swap headers (Linux: union swap_header; util-linux: swapon.c). */
#include "disk/swapseal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "disk/disk.h"

#define SIGNATURE      "SWAPSPACE2"
#define SEALED	       "LINHIB0001"
#define SIGNATURE_SIZE 10
#define SIGNATURE_AT   (SWAP_PAGE - SIGNATURE_SIZE)
#define VERSION_AT     1024 /* 1, in the byte order of the machine */

static int open_place(const struct watch *place, enum disk_mode mode, struct disk *disk,
		      struct error *err)
{
	char path[PATH_MAX];
	int code;

	if (!memchr(place->tag, '\0', sizeof(place->tag)) || place->length != SWAP_PAGE)
		return error_set(err, EINVAL, "no header page of a swap area");
	code = disk_find(place->tag, path, sizeof(path), err);
	return code ? code : disk_open(path, mode, disk, err);
}

static bool has_signature(const char *page, const char *signature)
{
	const char version[4] = { 1 };

	return !memcmp(page + SIGNATURE_AT, signature, SIGNATURE_SIZE) &&
	       !memcmp(page + VERSION_AT, version, sizeof(version));
}

bool swap_is_open(const struct watch *place)
{
	struct error ignored = { 0 };
	char *page = disk_buffer(SWAP_PAGE);
	bool open = false;
	struct disk disk;

	if (page && !open_place(place, DISK_READ, &disk, &ignored)) {
		open = !disk_read(&disk, page, SWAP_PAGE, place->offset, &ignored) &&
		       has_signature(page, SIGNATURE);
		disk_close(&disk);
	}
	free(page);
	return open;
}

/* A header that has TO already is left alone when AGAIN. */
static int replace(const struct disk *disk, const struct watch *place, const char *from,
		   const char *to, bool again, struct error *err)
{
	char *page = disk_buffer(SWAP_PAGE);
	int code;

	if (!page)
		return error_set(err, ENOMEM, "no memory");
	code = disk_read(disk, page, SWAP_PAGE, place->offset, err);
	if (!code && has_signature(page, from)) {
		memcpy(page + SIGNATURE_AT, to, SIGNATURE_SIZE);
		code = disk_write(disk, page, SWAP_PAGE, place->offset, err);
		if (!code)
			code = disk_flush(disk, err);
	} else if (!code && !(again && has_signature(page, to))) {
		code = error_set(err, EUCLEAN, "no swap area any more");
	}
	free(page);
	return code;
}

static int exchange(const struct watch *place, bool seal, struct error *err)
{
	struct disk disk;
	int code = open_place(place, DISK_SHARED, &disk, err);

	if (code)
		return code;
	code = seal ? replace(&disk, place, SIGNATURE, SEALED, false, err)
		    : replace(&disk, place, SEALED, SIGNATURE, true, err);
	if (code)
		error_prefix(err, "swap area on %s", disk.name);
	disk_close(&disk);
	return code;
}

int swap_seal(const struct watch *place, struct error *err)
{
	return exchange(place, true, err);
}

int swap_unseal(const struct watch *place, struct error *err)
{
	return exchange(place, false, err);
}
