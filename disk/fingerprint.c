/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashing raw bytes of devices. */
#include "disk/fingerprint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/safe.h"
#include "disk/disk.h"

#define HASH_STEP 1048576

/* Whole blocks are read, exactly the named bytes are hashed. */
static int hash_extent(const struct disk *disk, const struct watch *watch, XXH3_state_t *state,
		       struct error *err)
{
	unsigned char *buffer = disk_buffer(HASH_STEP);
	uint64_t at = watch->offset, left = watch->length;
	int code = 0;

	if (!buffer)
		return error_set(err, ENOMEM, "no memory");
	while (left && !code) {
		size_t skip = at % DISK_ALIGN;
		size_t size = left < HASH_STEP - skip ? left : HASH_STEP - skip;

		code = disk_read(disk, buffer, safe_round_up(skip + size, DISK_ALIGN), at - skip,
				 err);
		if (!code)
			XXH3_64bits_update(state, buffer + skip, size);
		at += size;
		left -= size;
	}
	free(buffer);
	return code;
}

int fingerprint_hash(const struct watch *watch, uint64_t *hash, struct error *err)
{
	XXH3_state_t *state = NULL;
	struct disk disk;
	char path[512];
	int code;

	if (!memchr(watch->tag, '\0', sizeof(watch->tag)))
		return error_set(err, EUCLEAN, "fingerprint without a device");
	code = disk_find(watch->tag, path, sizeof(path), err);
	if (!code)
		code = disk_open(path, DISK_READ, &disk, err);
	if (code)
		return code;
	state = XXH3_createState();
	if (!state) {
		code = error_set(err, ENOMEM, "no memory");
		goto out;
	}
	XXH3_64bits_reset(state);
	if (safe_within(watch->offset, watch->length, disk.size))
		code = hash_extent(&disk, watch, state, err);
	else
		code = error_set(err, EIO, "the device is smaller than it was");
	if (code)
		error_prefix(err, "%s", watch->tag);
	else
		*hash = XXH3_64bits_digest(state);
out:
	XXH3_freeState(state);
	disk_close(&disk);
	return code;
}
