/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mkinitcpio will put into the images that it makes.
 */
#ifndef KJUMP_CHECK_MKINITCPIO_H
#define KJUMP_CHECK_MKINITCPIO_H

/* What the array HOOKS holds; UNKNOWN where only a shell could tell, or nothing is configured. */
enum hooks { HOOKS_UNKNOWN, HOOKS_WITH, HOOKS_WITHOUT };

/*
 * HOOKS after a configuration file with this TEXT, which is a script for bash, when it was BEFORE
 * in front of it.
 */
enum hooks hooks_after(enum hooks before, const char *text);

/*
 * The same for /etc/mkinitcpio.conf and the files of /etc/mkinitcpio.conf.d below ROOT, in the
 * order in which mkinitcpio reads them. (A preset may name another file; nobody is told of that
 * here.)
 */
enum hooks hooks_configured(const char *root);

#endif
