/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an initramfs image holds of kjump's.
 */
#ifndef KJUMP_CHECK_INITRAMFS_H
#define KJUMP_CHECK_INITRAMFS_H

#include <stdbool.h>
#include <stdio.h>

#include "common/error.h"

#include "kjump/key/container.h"

#define INITRAMFS_TARGETS_SIZE 4096
#define INITRAMFS_MODULES_SIZE 8192

struct initramfs {
	bool restorer;			      /* kjump-restore is in it */
	bool hooks;			      /* kjump-core.sh, without which nothing calls it */
	bool cryptsetup;		      /* which opens the container */
	bool has_container;		      /* etc/kjump/key.luks */
	struct container container;	      /* what it is, if has_container; else zeros */
	char targets[INITRAMFS_TARGETS_SIZE]; /* text of its /etc/kjump.targets, or "" */
	char modules[INITRAMFS_MODULES_SIZE]; /* names of those in lib/modules, " a b c ", or "" */
};

/*
 * Look into the image at PATH: archives one behind the other, each of them compressed or not, as
 * the kernel takes them; also in a unified kernel image, which is a PE file with a section
 * .initrd. What is compressed is given to the program for that (unpack.h). Ends when all was found.
 * Fails with ENODATA when there is no archive in it, with EUCLEAN when one is damaged.
 */
int initramfs_look(const char *path, struct initramfs *ret, struct error *err);

/*
 * Read cpio archives ("newc") from STREAM until it ends or something else follows, which is left
 * in the stream from *REST on (an offset from where it stood). Returns the number of archives, or a
 * negative errno value. For initramfs_look(); its source is Documentation/driver-api/
 * early-userspace/buffer-format.rst of the kernel.
 */
int initramfs_read(FILE *stream, struct initramfs *ret, long *rest, struct error *err);

/* Is NAME the second word of a line of CONTENT's targets, as in "early UUID=..."? */
bool initramfs_lists(const struct initramfs *content, const char *name);

#endif
