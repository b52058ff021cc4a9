/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hardware that a kernel's drivers hold, from /sys: A's drivers go on with it as it was, so C
 * must know whether it is the same, and at the same places.
 */
#ifndef DISK_DEVICES_H
#define DISK_DEVICES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/abi.h"
#include "common/error.h"

/* Zero-initialise; devices_free() ends it. */
struct devices {
	struct pci_record *pci; /* sorted by address */
	size_t pci_count;
	struct disk_record *disks; /* sorted by place */
	size_t disk_count;
};

/* Where to look. */
struct devices_source {
	const char *sys; /* "/sys" */
	/* Does something of this kernel's hold the disk NAME, or a partition of it, for itself? */
	bool (*in_use)(const char *name);
	/* What is on the disk, as struct disk_record has it. */
	void (*content)(const char *name, char *text, size_t size);
};

extern const struct devices_source devices_running;

enum devices_kind {
	DEVICES_DRIVEN, /* PCI functions that have a driver, without virtual ones: what A records */
	DEVICES_ALL,	/* all PCI functions: what C compares with */
};

/*
 * Read everything anew into *RET. A disk is what has a device behind it: neither stacked nor
 * virtual, no floppy and no optical drive. The content is read where a disk is in use (DRIVEN), or
 * of all disks (ALL). A machine without PCI has no list of it; that is no error.
 */
int devices_read(const struct devices_source *source, enum devices_kind kind, struct devices *ret,
		 struct error *err);
void devices_free(struct devices *devices);

/*
 * Mark the disks that hold the block device NUMBER ("254:1"; maybe a partition or a volume) as
 * DISK_TARGET. A device that is no block device marks none.
 */
void devices_mark_target(const struct devices_source *source, struct devices *devices,
			 const char *number);

/*
 * Put the records where the mailbox has them, disks in use first. Returns how many there was no
 * room for.
 */
size_t devices_store(const struct devices *devices, struct mailbox *mailbox);

/*
 * Of records that come from elsewhere: do the texts end, are flags known and reserved bytes zero?
 */
bool devices_pci_valid(const struct pci_record *record);
bool devices_disk_valid(const struct disk_record *record);

/*
 * Where the disk NAME of SYS/class/block is connected: the last PCI address on the way to it, and
 * what comes behind, without the numbers that the kernel gives in the order in which it finds
 * things (hostN, the H of H:C:T:L, ataN, nvmeN, usbN): "0000:00:1f.2/ata1/host/target:0:0/0:0:0".
 * False when it is no disk in the sense of devices_read().
 */
bool devices_place(const char *sys, const char *name, char *place, size_t size);

/*
 * With several paths to it, an NVMe disk belongs to a subsystem, whose directory SUBSYSTEM links to
 * the controllers: where the first of them is. False when it has none.
 */
bool devices_controller(const char *subsystem, char path[PATH_MAX]);

#endif
