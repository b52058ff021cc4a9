/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashing raw bytes of devices. */
#include "disk/fingerprint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/safe.h"

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

void fingerprint_end(struct fingerprint *fingerprint)
{
	if (fingerprint->tag[0])
		disk_close(&fingerprint->disk);
	fingerprint->tag[0] = '\0';
}

static int open_device(struct fingerprint *fingerprint, const char *tag, struct error *err)
{
	char path[512];
	int code;

	if (!strcmp(fingerprint->tag, tag))
		return 0;
	fingerprint_end(fingerprint);
	code = disk_find(tag, path, sizeof(path), err);
	if (!code)
		code = disk_open(path, DISK_READ, &fingerprint->disk, err);
	if (!code)
		strcpy(fingerprint->tag, tag);
	return code;
}

int fingerprint_hash(struct fingerprint *fingerprint, const struct watch *watch, uint64_t *hash,
		     struct error *err)
{
	XXH3_state_t *state;
	int code;

	if (!memchr(watch->tag, '\0', sizeof(watch->tag)) || !watch->tag[0])
		return error_set(err, EUCLEAN, "fingerprint without a device");
	code = open_device(fingerprint, watch->tag, err);
	if (code)
		return code;
	state = XXH3_createState();
	if (!state)
		return error_set(err, ENOMEM, "no memory");
	XXH3_64bits_reset(state);
	if (safe_within(watch->offset, watch->length, fingerprint->disk.size))
		code = hash_extent(&fingerprint->disk, watch, state, err);
	else
		code = error_set(err, EIO, "the device is smaller than it was");
	if (code)
		error_prefix(err, "%s", watch->tag);
	else
		*hash = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return code;
}
