/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One word put into a file of settings that others own, and taken out again. Text in, text out:
 * whatever is not understood for sure is refused, and nothing but the word changes.
 */
#ifndef KJUMP_SETUP_EDIT_H
#define KJUMP_SETUP_EDIT_H

#include <stdbool.h>

#include "common/error.h"
#include "kjump/setup/words.h"

/*
 * Put WORD into TEXT (ADD), or take it out again: a new text in *RET, which the caller frees, equal
 * to TEXT when there is nothing to do. Taken out is WORD alone, not one with another value that
 * somebody put there. EINVAL, with the line, where it would take a shell to know what TEXT means.
 */
typedef int (*edit_function)(const char *text, const char *word, bool add, char **ret,
			     struct error *err);

/* The word in TEXT that WORD replaces, or that it is; without a start when there is none. */
typedef struct stretch (*edit_finder)(const char *text, const char *word);

struct edit {
	const char *name; /* in the journal */
	edit_function apply;
	edit_finder find; /* NULL where nothing is replaced */
};

/* A WORD of all but the last two is "name=value"; one with another value is replaced. */
extern const struct edit edit_grub;    /* GRUB_CMDLINE_LINUX of /etc/default/grub and grub.d */
extern const struct edit edit_entry;   /* options of a boot loader entry (UAPI.1) */
extern const struct edit edit_cmdline; /* /etc/kernel/cmdline: words, and lines with # */
extern const struct edit edit_target;  /* target of kjump.conf(5); WORD is the device */
extern const struct edit edit_hooks;   /* HOOKS of mkinitcpio.conf(5); WORD stands before
					  `filesystems` */

/* NULL when there is none of this name. */
const struct edit *edit_find(const char *name);

#endif
