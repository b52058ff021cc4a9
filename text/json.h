/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON, written as it comes: one object that may hold others. What is not UTF-8 in a text becomes
 * U+FFFD, so that the output is valid whatever a device holds.
 */
#ifndef KJUMP_TEXT_JSON_H
#define KJUMP_TEXT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Zero-initialise but for OUT. */
struct json {
	FILE *out;
	int depth;  /* of the object that is open */
	bool line;  /* all in one line */
	bool comma; /* the next name needs one before it */
};

/* NAME is NULL for the outermost object, whose end also ends the line. */
void json_begin(struct json *json, const char *name);
void json_end(struct json *json);

/* Names are the program's own and written as they are. */
void json_number(struct json *json, const char *name, uint64_t value);
void json_null(struct json *json, const char *name);

/* At most SIZE bytes of TEXT, up to a NUL. */
void json_text(struct json *json, const char *name, const char *text, size_t size);

/*
 * The member NAME of an object that was written by these functions, at whatever depth, with other
 * blanks around the colon if it passed through other programs (jq -c): a number, or a text, of
 * which at most SIZE - 1 bytes are taken. False when there is none of that name and kind.
 */
bool json_find_number(const char *object, const char *name, uint64_t *ret);
bool json_find_text(const char *object, const char *name, char *text, size_t size);

#endif
