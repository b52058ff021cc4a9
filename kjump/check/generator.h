/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who makes the initramfs images of this system: "dracut", "initramfs-tools" or "mkinitcpio".
 */
#ifndef KJUMP_CHECK_GENERATOR_H
#define KJUMP_CHECK_GENERATOR_H

#include <stdbool.h>

/* For whom kjump's hook is installed below ROOT, the first of several; NULL for nobody. */
const char *generator_with_hook(const char *root);

/* Is it installed for NAME? */
bool generator_has_hook(const char *root, const char *name);

/*
 * Which of them makes the images below ROOT; NULL when none is known. Of several it is the one that
 * updates of kernels run: Debian's packages have a script in /etc/kernel/postinst.d for that,
 * Arch's mkinitcpio has presets.
 */
const char *generator_in_use(const char *root);

#endif
