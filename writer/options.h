/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of kjump-write. */
#ifndef WRITER_OPTIONS_H
#define WRITER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct write_options {
	const char
		*vmcore; /* core file to save; NULL: the machine that jumped here, by its mailbox */
	const char *output; /* with a vmcore: file or claimed device, */
	const char *base;   /* or one that holds an image, to which another one is added */
	const char *died;   /* status of a writer before, whose work is to be undone; or NULL */
	const char *seal;   /* the sender's key, in a file; NULL: in clear */
	uint32_t cipher;    /* enum seal_algorithm; 0: the better one here */
	int level;	    /* zstd, or LEVEL_AUTO */
	unsigned workers;   /* 0 = one for each online CPU */
	bool all;	    /* free pages too */
	bool force;	    /* overwrite what is there */
	bool quiet;	    /* no progress */
	bool help, version; /* seen to by the parser */
};

/*
 * Returns -1 when there is work to do, otherwise the exit code: EXIT_DONE after --help and
 * --version, EXIT_USAGE after a message.
 */
int write_options_parse(int argc, char **argv, struct write_options *ret);

#endif
