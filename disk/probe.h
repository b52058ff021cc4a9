/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names that a block device carries: tags of the file system (or RAID member, or kjump
 * signature) on it and of its entry in a partition table.
 */
#ifndef DISK_PROBE_H
#define DISK_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct disk_tags {
	char type[32]; /* "ext4", "crypto_LUKS", ...; "" = unknown or nothing, as all below */
	char uuid[64];
	char uuid_sub[64];
	char label[256];
	char partuuid[64];
	char partlabel[256];
	char parttype[64]; /* a UUID, or "0x82" */
};

/*
 * Read the tags of NAME, an entry of /sys/class/block. What cannot be read is left empty: a device
 * that fails has no name.
 */
void probe_tags(const char *name, struct disk_tags *ret);

/*
 * What tells the content of NAME from that of other disks: "PTUUID=..." of its partition table,
 * else "UUID_SUB=..." or "UUID=..."; "" when it has none.
 */
void probe_content(const char *name, char *text, size_t size);

#endif
