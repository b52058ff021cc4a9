/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes in /sys, or in a tree like it, for devices.c and place.c. */
#ifndef DISK_ATTRIBUTE_H
#define DISK_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The text of the file PATH, without blanks at its ends, and with a '?' for whatever is no
 * printable ASCII: it goes into messages, and comes from devices. False, and "", when it cannot be
 * read.
 */
bool attribute_text(const char *path, char *text, size_t size);

/* The same of SYS/class/block/NAME/ATTRIBUTE. */
bool attribute_of_disk(const char *sys, const char *name, const char *attribute, char *text,
		       size_t size);

#endif
