/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events as a picture: a bar for each run, with its phases.
 */
#ifndef KJUMP_PLOT_H
#define KJUMP_PLOT_H

#include <stdio.h>

#include "kjump/event.h"

/* Write an SVG of those in LIST that have phases to OUT, the last one at the bottom. */
void plot_print(FILE *out, const struct event_list *list);

#endif
