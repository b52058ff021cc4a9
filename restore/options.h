/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of kjump-restore. */
#ifndef RESTORE_OPTIONS_H
#define RESTORE_OPTIONS_H

#include <stdbool.h>

struct restore_options {
	const char *target;  /* as disk_find() takes it */
	const char *boot_on; /* reason: mark a waiting image stale instead of restoring; or NULL */
	unsigned wait;	     /* seconds until devices must be there, or for an answer */
	bool again;	     /* also what was handed over or failed twice */
	bool ask;	     /* ask what to do, nothing else; there is no target then */
	bool check;	     /* change nothing, say whether it could be restored */
	bool quiet;	     /* errors only */
};

/*
 * Returns -1 when there is work to do, otherwise the exit code: EXIT_DONE after --help and
 * --version, EXIT_USAGE after a message.
 */
int restore_options_parse(int argc, char **argv, struct restore_options *ret);

#endif
