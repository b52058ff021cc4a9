/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text that is to be sent to strangers, without what tells whose machine it is from. Each thing
 * that is taken out gets a name instead, the same one wherever it stands: <host-1>, <uuid-3>.
 *
 * Two nets: words that the machine itself knows to be names, serial numbers and the like, which are
 * learned, and what looks like one (UUIDs, addresses), or stands where one stands (LABEL=, /home/).
 */
#ifndef KJUMP_REPORT_REDACT_H
#define KJUMP_REPORT_REDACT_H

#include <stdbool.h>
#include <stddef.h>

enum redact_kind {
	REDACT_HOST,
	REDACT_USER,
	REDACT_SERIAL,
	REDACT_LABEL,
	REDACT_VALUE, /* of a kernel parameter that nobody here knows */
	REDACT_UUID,
	REDACT_ADDRESS, /* of a network */
	REDACT_KINDS,
};

struct redact_word {
	char *text;
	enum redact_kind kind;
	unsigned number; /* of its kind, from 1 */
	bool whole;	 /* it is none as a part of a longer word */
};

/* Zero-initialise; redact_free() ends it. */
struct redact {
	struct redact_word *words;
	size_t count, capacity;
	unsigned numbers[REDACT_KINDS];
};

/*
 * Take TEXT out wherever it stands from now on, in capitals or not. Nothing happens to what names
 * nobody: a single character, "localhost", "To be filled by O.E.M.". -ENOMEM, or 0.
 */
int redact_learn(struct redact *redact, enum redact_kind kind, const char *text);

/* LINE without all that; NULL when there is no memory. The caller frees it. */
char *redact_line(struct redact *redact, const char *line);

/*
 * The kernel command line CMDLINE: values stay of parameters that say how a machine is set up, of
 * all others the name alone; their values are learned. NULL when there is no memory. The caller
 * frees it.
 */
char *redact_cmdline(struct redact *redact, const char *cmdline);

void redact_free(struct redact *redact);

#endif
