/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of the systemd journal with fields of their own, in its native protocol
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL). What people are to read at once goes to standard
 * error as well, by message().
 */
#ifndef TEXT_JOURNAL_H
#define TEXT_JOURNAL_H

#include <stddef.h>

#define PATH_JOURNAL "/run/systemd/journal/socket"

struct journal_field {
	const char *name;  /* "MESSAGE"; capitals, digits and underscores */
	const char *value; /* anything; NULL or "" leaves the field out */
};

/*
 * Send one entry of COUNT fields to the socket PATH. Returns 0, or a negative errno value: ENOENT
 * where there is no journal, EMSGSIZE for more than 16 KiB. Never waits.
 */
int journal_send(const char *path, const struct journal_field *fields, size_t count);

#endif
