/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which initramfs images may boot next.
 */
#ifndef KJUMP_CHECK_IMAGES_H
#define KJUMP_CHECK_IMAGES_H

#include <stddef.h>
#include <sys/stat.h>

#include "kjump/check/checks.h"

#define IMAGES_MAX 2

/*
 * Paths of the image of the running kernel and of the one that was made last, where distributions
 * put them: /boot, /lib/modules, the EFI system partition (initrd of a boot loader entry, or a
 * unified kernel image). They may be one and the same, or not be found. Returns how many.
 */
size_t images_that_boot(const struct preflight *preflight, char ret[IMAGES_MAX][CHECK_PATH_SIZE]);

/* Called with each image: its path, which is gone afterwards, and its status. */
typedef void (*images_action)(void *context, const char *path, const struct stat *status);

/* All images below ROOT, but fallback, rescue and kdump ones and copies. */
void images_each(const char *root, images_action action, void *context);

#endif
