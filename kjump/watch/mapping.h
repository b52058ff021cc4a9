/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bytes of a stacked device (partition of an array, LVM, LUKS, RAID 1) to the bytes of the
 * disks below, which kernels B and C can see without assembling anything.
 */
#ifndef KJUMP_WATCH_MAPPING_H
#define KJUMP_WATCH_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "disk/sysfs.h"

/* Bytes of a block device. */
struct place {
	char name[BLOCK_NAME_SIZE];
	uint64_t offset, length;
};

#define PLACES_MAX 16

struct places {
	struct place v[PLACES_MAX];
	size_t n;
	/* The bytes are to be written there: each must lie in one place, in clear. */
	bool writable;
	/* Why it is ENOTSUP: a loop device, or an array that counts its writes in its headers. */
	bool in_file, array;
};

/*
 * Append the places, on devices that are not stacked on others, that hold the bytes of PLACE.
 * Fails with ENOTSUP when the mapping is of a kind that does not keep bytes in place (RAID 5, thin
 * volumes, loop devices, ...), or that RET->writable rules out.
 */
int mapping_resolve(const struct place *place, struct places *ret, struct error *err);

/*
 * One target of a device-mapper table, of TYPE with parameters PARAMS: its target device and where
 * on it the target's first sector lies. ENOTSUP for types other than linear and crypt.
 */
int mapping_target(const char *type, const char *params, unsigned *major, unsigned *minor,
		   uint64_t *sector, struct error *err);

/* Where a driver keeps what it knows of a device, and has in memory while the device is there. */
enum mapping_state {
	MAPPING_STATELESS, /* nowhere: the table is all there is */
	MAPPING_HEADED,	   /* the head or the tail of a device below changes with it */
	MAPPING_SCATTERED, /* elsewhere, or it is not known where */
};

/*
 * That of a device-mapper target TYPE. Headed: thin-pool, cache, era and clone write a superblock
 * with each transaction (dm-thin-metadata.c and its like), writecache a sequence number, zoned a
 * generation, raid an event count, mirror its log. A snapshot's exceptions lie all over its COW
 * device (dm-snap-persistent.c). A type that is not known is scattered.
 */
enum mapping_state mapping_target_state(const char *type);

/* That of the block device NAME, layers below not included; an array's headers count its events. */
int mapping_state(const char *name, enum mapping_state *ret, struct error *err);

#endif
