/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where distributions and boot loaders have the file of a kernel.
 */
#ifndef KJUMP_LOAD_KERNEL_FILE_H
#define KJUMP_LOAD_KERNEL_FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Find the kernel RELEASE below ROOT ("" for the running system), in this order: vmlinuz-RELEASE in
 * /boot; vmlinuz in the folder of its modules; what kernel-install put beside the entries of the
 * boot loader (/boot, /efi and /boot/efi, MACHINE/RELEASE/linux or vmlinuz-RELEASE); what an entry
 * of the boot loader (loader/entries/NAME.conf, UAPI.1) with this version names; a unified kernel
 * image whose .uname is RELEASE; what BOOT_IMAGE= in CMDLINE names, which may be another kernel.
 * False when there is none, or its path does not fit into SIZE bytes. One that this user may not
 * read is found as well, but for unified images, which have to be looked into.
 */
bool kernel_file_find(const char *root, const char *release, const char *cmdline, char *ret,
		      size_t size);

#endif
