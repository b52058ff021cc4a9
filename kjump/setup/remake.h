/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of the system that make files from what setup changes.
 */
#ifndef KJUMP_SETUP_REMAKE_H
#define KJUMP_SETUP_REMAKE_H

#include "common/error.h"
#include "kjump/setup/state.h"

/* Make anew what RECORD_MADE says that MAKER made, after it was changed by others. */
int setup_remake(struct setup *setup, const char *maker, struct error *err);

/* The maker of initramfs images and unified ones, in the journal. */
#define MAKER_IMAGES "initramfs"

/* Does a unified image have the parameter WORD (generate.c)? */
bool images_have(const struct setup *setup, const char *word);

/* Take WORD out of all entries of boot loaders that have it (entries.c), and say which. */
int entries_drop(const struct setup *setup, const char *word, struct error *err);

/* GRUB's configuration (grub.c); all initramfs images (generate.c). */
int grub_make(struct setup *setup, struct error *err);
int images_make(struct setup *setup, struct error *err);

#endif
