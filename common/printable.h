/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text from elsewhere (a disk, another kernel, a firmware) as it may be shown: it must not drive a
 * terminal.
 */
#ifndef COMMON_PRINTABLE_H
#define COMMON_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed UTF-8 sequence that TEXT (SIZE bytes, at least 1) begins with, or 0. */
size_t printable_length(const unsigned char *text, size_t size);

/* Does TEXT, such a sequence, stand for a control character (C0, DEL or C1)? */
bool printable_is_control(const unsigned char *text);

/*
 * Put '?' in the place of each byte of TEXT that is part of a control character, or of nothing well
 * formed. Returns TEXT.
 */
char *printable(char *text);

#endif
