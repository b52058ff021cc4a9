/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /sys/class/block says of a block device.
 */
#ifndef DISK_SYSFS_H
#define DISK_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* Names are entries of /sys/class/block. */
#define BLOCK_NAME_SIZE 64

/* The number in /sys/class/block/NAME/ATTRIBUTE; -1 when there is none. */
long long sysfs_number(const char *name, const char *attribute);

/*
 * The text in /sys/class/block/NAME/ATTRIBUTE without its last newline; false when there is none
 * that fits into SIZE bytes.
 */
bool sysfs_text(const char *name, const char *attribute, char *text, size_t size);

/*
 * Is the device NAME, or one below it, a mapping that is suspended? Whoever reads there waits until
 * it is resumed, and cannot be ended.
 */
bool sysfs_suspended(const char *name);

/* Is there a /sys/class/block/NAME/ENTRY? */
bool sysfs_has(const char *name, const char *entry);

/* Path of the device node of NAME. */
void sysfs_node(const char *name, char *path, size_t size);

/* Name of the device with this number. ENOENT when there is none. */
int sysfs_name(unsigned major, unsigned minor, char name[BLOCK_NAME_SIZE], struct error *err);

/* Name of the disk that the partition NAME is on. */
int sysfs_whole(const char *name, char whole[BLOCK_NAME_SIZE], struct error *err);

/* Last component of what the link at PATH points to, with UP components taken off its end. */
int sysfs_link(const char *path, int up, char name[BLOCK_NAME_SIZE], struct error *err);

#endif
