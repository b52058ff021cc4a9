/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far something is, as a bar in one line of a terminal. */
#ifndef TEXT_BAR_H
#define TEXT_BAR_H

#include <stddef.h>

/*
 * "NAME: [####......] FIGURES" for SHARE (0 to 1) of the whole, in fewer than COLUMNS characters:
 * where that is too narrow, first without the name, then without the bar.
 */
void bar_line(const char *name, const char *figures, double share, unsigned columns, char *text,
	      size_t size);

/* Seconds that are left when it took SECONDS for SHARE; 0 when nobody knows yet. */
unsigned bar_left(double share, double seconds);

#endif
