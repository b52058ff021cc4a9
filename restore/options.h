/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of kjump-restore. */
#ifndef RESTORE_OPTIONS_H
#define RESTORE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "text/keys.h"

/* Refusals that the user overrides. */
#define FORCE_DEVICES 0x1
#define FORCE_EFI     0x2
#define FORCE_OLDER   0x4

/* Ask what to do, nothing else; there is no target then. */
struct restore_ask {
	bool given;
	uint32_t seconds; /* for an answer, or WAIT_FOREVER */
};

struct restore_options {
	const char *target;  /* as disk_find() takes it */
	const char *boot_on; /* reason: mark a waiting image stale instead of restoring; or NULL */
	struct restore_ask ask;
	struct restore_ask unlock; /* ask for a passphrase, and run the command */
	char *const *command;	   /* with it on its standard input; up to a NULL */
	const char *answer;	   /* write a passphrase that is known to this FIFO; or NULL */
	const char *parameter;	   /* print the value of this one, nothing else; or NULL */
	char *const *files;	   /* to look for it in */
	int file_count;
	uint32_t wait;		  /* seconds until devices must be there, or WAIT_FOREVER */
	unsigned force;		  /* FORCE_* */
	uint32_t cpus;		  /* that the payload uses at most; 0 = all that it can */
	struct descriptor key_fd; /* the restore key comes from there */
	bool unsealed;		  /* although there is a key, an image in clear may be restored */
	bool waits;		  /* say what waits to be restored, nothing else */
	bool again;		  /* also what was handed over or failed twice */
	bool retry;		  /* somebody asked for it: not counted as an attempt */
	bool check;		  /* change nothing, say whether it could be restored */
	bool no_retry;		  /* trying again is no answer to --ask */
	bool count_reboot;	  /* of a boot that starts the machine anew, nothing else */
	bool find;		  /* say which device it is, nothing else */
	bool quiet;		  /* errors only */
	bool help, version;	  /* seen to by the parser */
};

/*
 * Returns -1 when there is work to do, otherwise the exit code: EXIT_DONE after --help and
 * --version, EXIT_USAGE after a message.
 */
int restore_options_parse(int argc, char **argv, struct restore_options *ret);

#endif
