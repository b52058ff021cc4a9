/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of kjump-restore. */
#ifndef RESTORE_OPTIONS_H
#define RESTORE_OPTIONS_H

#include <stdbool.h>

/* Refusals that the user overrides. */
#define FORCE_DEVICES 0x1
#define FORCE_EFI     0x2

/* Ask what to do, nothing else; there is no target then. */
struct restore_ask {
	bool given;
	unsigned seconds; /* for an answer */
};

struct restore_options {
	const char *target;  /* as disk_find() takes it */
	const char *boot_on; /* reason: mark a waiting image stale instead of restoring; or NULL */
	struct restore_ask ask;
	unsigned wait;	    /* seconds until devices must be there */
	unsigned force;	    /* FORCE_* */
	bool again;	    /* also what was handed over or failed twice */
	bool check;	    /* change nothing, say whether it could be restored */
	bool quiet;	    /* errors only */
	bool help, version; /* seen to by the parser */
};

/*
 * Returns -1 when there is work to do, otherwise the exit code: EXIT_DONE after --help and
 * --version, EXIT_USAGE after a message.
 */
int restore_options_parse(int argc, char **argv, struct restore_options *ret);

#endif
