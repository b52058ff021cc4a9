/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block devices (and plain files in their place, for tests): found by what is written on them,
 * opened exclusively, read and written past the page cache. A, B and C change the same device
 * under each other's page cache, so nothing here ever goes through it.
 */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"
#include "common/error.h"

/* Offsets, lengths and buffer addresses of all I/O are multiples of this many bytes. */
#define DISK_ALIGN 4096

enum disk_operation {
	DISK_OP_READ,
	DISK_OP_WRITE,
	DISK_OP_FLUSH, /* offset and size are 0 */
};

struct disk {
	int fd;		/* -1 = closed */
	char name[256]; /* path, for messages */
	uint64_t size;	/* bytes, rounded down to DISK_ALIGN */

	/*
	 * For tests: asked before each operation; returns 0 to let it happen or the positive errno
	 * value it fails with. NULL otherwise.
	 */
	int (*fault)(void *context, enum disk_operation operation, uint64_t offset, size_t size);
	void *fault_context;

	/*
	 * Of a volume that nobody has assembled, or a file on a device; NULL for a device. FD is
	 * that of the first piece.
	 */
	struct disk_piece *pieces;
	size_t piece_count;
};

/* Bytes of a disk. */
struct disk_range {
	uint64_t offset, length;
};

enum disk_mode {
	DISK_READ,   /* shared */
	DISK_WRITE,  /* read and write; O_EXCL on block devices: not mounted, no swap, no holder */
	DISK_SHARED, /* read and write, though it is in use */
};

/*
 * Errors of disk_find() and disk_open() name the device. Those of all functions that take a
 * struct disk do not: the program puts disk->name before them.
 */

/*
 * Path of the block device that SPEC names: UUID=, UUID_SUB=, LABEL=, PARTUUID=, PARTLABEL=
 * (compared as blkid prints them or udev writes them, "my disk" or "my\x20disk", UUIDs in either
 * case; the value may be quoted), or a path. Needs no udev: it probes what /sys/class/block lists.
 * PATH has room for SIZE bytes. Fails with ENODEV when there is none, with
 * EEXIST when more than one device answers to the name. (UUID_SUB tells the members of a RAID
 * array or a btrfs file system apart, which share their UUID.)
 */
int disk_find(const char *spec, char *path, size_t size, struct error *err);

/* Called with the path of each device, which is valid until it returns. */
typedef void (*disk_found)(void *context, const char *path);

/*
 * All devices that answer to SPEC: more than one is an error to disk_find() alone. Those that hold
 * others, as the paths of a multipath disk do, count when there is none that does not. ENODEV when
 * there is none at all.
 */
int disk_find_all(const char *spec, disk_found found, void *context, struct error *err);

/*
 * "UUID=...@N", or UUID_SUB= or PARTUUID=, is a file: N is where it begins on the device, in bytes.
 * To disk_find() it is its device. Puts the name of that into DEVICE, which has room for SIZE
 * bytes, and N into *PLACE. False when SPEC is no name of a file.
 */
bool disk_spec_is_file(const char *spec, char *device, size_t size, uint64_t *place);

/* Open PATH. DISK->fd is owned by the caller, disk_close() ends it. */
int disk_open(const char *path, enum disk_mode mode, struct disk *disk, struct error *err);
void disk_close(struct disk *disk);

/*
 * Open the volume NAME for writing by the places where its bytes lie (see kjump/watch/volume.h);
 * the devices that hold them are opened as disk_open() does. Fails with ENODEV when one of them is
 * not there (yet).
 */
int disk_open_pieces(const struct watch *pieces, size_t count, const char *name, struct disk *disk,
		     struct error *err);

/*
 * Let DISK be COUNT ranges of itself, in that order: an open device becomes a file on it.
 * disk_probe() and disk_wipe() are not for what became of it. EUCLEAN when one of them does not lie
 * on it at multiples of DISK_ALIGN; then nothing has changed.
 */
int disk_narrow(struct disk *disk, const struct disk_range *ranges, size_t count,
		struct error *err);

/*
 * Let disk_close() close FD as well, which keeps something from going as long as DISK, which
 * disk_narrow() has made, is open. On failure FD is the caller's.
 */
int disk_keep(struct disk *disk, int fd, struct error *err);

/* Read or write all of SIZE bytes at OFFSET; an access beyond the end fails with ENOSPC. */
int disk_read(const struct disk *disk, void *buffer, size_t size, uint64_t offset,
	      struct error *err);
int disk_write(const struct disk *disk, const void *buffer, size_t size, uint64_t offset,
	       struct error *err);

/* What was written is on the medium when this returns 0. */
int disk_flush(const struct disk *disk, struct error *err);

/* SIZE bytes of zeroed memory that disk_read() and disk_write() take; free() ends it. */
void *disk_buffer(size_t size);

/*
 * What libblkid recognises on the device, as "ext4 file system", "dos partition table", ... in
 * FOUND ("" = nothing). A probe that is ambivalent or fails counts as something. Returns 0, or a
 * negative errno value only when the device cannot be read.
 */
int disk_probe(const struct disk *disk, char *found, size_t size, struct error *err);

/*
 * Is there nothing on the device? All of a file is looked at; of a device its first and last MiB
 * and samples between them. EEXIST when something is there.
 */
int disk_check_blank(const struct disk *disk, struct error *err);

/* Erase every signature that libblkid recognises on a device opened with DISK_WRITE. */
int disk_wipe(const struct disk *disk, struct error *err);

#endif
