/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors: a library function that fails returns a negative errno value and fills a struct error
 * with the cause and the object, innermost first; callers add what they were doing as the stack
 * unwinds. A program prints it once, as one line, with the state that results.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include <stdarg.h>

/* Exit codes of every program. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_IMAGE = 3,
	EXIT_ABORTED = 4,
	EXIT_NO_DEVICE = 6,
	EXIT_LOST = 7,
	EXIT_HANDED_OVER = 8,
};

struct error {
	int code;	/* positive errno value; 0 = no error */
	char text[256]; /* one line without a newline; truncated when it is longer */
};

/* Set the error to CODE (positive errno value) and the text. Returns -CODE. */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Like error_set(errno, ...), with ": " and strerror(errno) behind the text. */
int error_errno(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put "TEXT: " before what the error says. Returns -err->code. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * One line on standard error: "PROGRAM: TEXT". PROGRAM is program_invocation_short_name.
 * In kernel B standard error is the kernel log, which reaches all of A's consoles.
 */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* message("TEXT: ERROR"), for the one place where a program gives up. */
void message_error(const struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
