/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/setup/remake.h"

#include <string.h>

int setup_remake(struct setup *setup, const char *maker, struct error *err)
{
	*setup->word = '\0';
	if (!strcmp(maker, "grub"))
		return grub_make(setup, err);
	/* Kernel B's belongs to kjump, not to the system. */
	return strcmp(maker, MAKER_IMAGES) ? 0 : images_make(setup, err);
}
