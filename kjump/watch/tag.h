/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By which name kernel B finds a device. The copy of a disk has the same names, and what answers to
 * a name twice is found by nobody.
 */
#ifndef KJUMP_WATCH_TAG_H
#define KJUMP_WATCH_TAG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "disk/sysfs.h"

#define TAG_KINDS    3
#define TAG_WHY_SIZE 160

/* The UUIDs of one device; "" = none. */
struct tag_bearer {
	char name[BLOCK_NAME_SIZE];
	char value[TAG_KINDS][64]; /* PARTUUID, UUID_SUB, UUID: what is preferred comes first */
};

/* All devices that kernel B sees. Zero-initialise; tags_free() ends it. */
struct tags {
	struct tag_bearer *v;
	size_t n, capacity;
	bool read;
};

/* Look at all devices, unless that was done. */
int tags_read(struct tags *tags, struct error *err);
void tags_free(struct tags *tags);

/*
 * The first of "PARTUUID=...", "UUID_SUB=..." and "UUID=..." that NAME alone answers to. False when
 * there is none that fits into SIZE bytes, and WHY says so, without the device.
 */
bool tags_find(const struct tags *tags, const char *name, char *tag, size_t size,
	       char why[TAG_WHY_SIZE]);

/* The same for one device, which the error names. ENOTSUP when there is none. */
int tag_of(const char *name, char *tag, size_t size, struct error *err);

#endif
