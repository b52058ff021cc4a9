/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who would write to a claimed device at a boot. swapon(8) takes its signature for somebody's
 * suspend data and replaces it, and with it goes the image.
 */
#ifndef KJUMP_CHECK_ACTIVATION_H
#define KJUMP_CHECK_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Does a line of ROOT/etc/fstab or ROOT/etc/crypttab make a swap area of the device PATH, by
 * whatever name, or anything else that begins anew at each boot (crypttab(5): swap, tmp, a key that
 * is random), or a swap unit in ROOT/etc/systemd/system? TEXT says which one.
 */
bool activation_by_line(const char *root, const char *path, char *text, size_t size);

/* Is it a partition of the type for swap, which systemd takes for one without any line? */
bool activation_by_type(const char *path);

#endif
