/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text/bar.h"

#include <stdio.h>
#include <string.h>

#define BAR_MAX	       40 /* cells */
#define BAR_MIN	       10
#define NAME_MAX_SHOWN 60

void bar_line(const char *name, const char *figures, double share, unsigned columns, char *text,
	      size_t size)
{
	char bar[BAR_MAX + 1], front[NAME_MAX_SHOWN + 3];
	int cells, full;

	snprintf(front, sizeof(front), "%.*s: ", NAME_MAX_SHOWN, name);
	cells = (int)columns - (int)strlen(front) - (int)strlen(figures) - 5;
	if (cells < BAR_MIN) { /* a UUID is a line in itself; the message before has named it */
		cells += (int)strlen(front);
		front[0] = '\0';
	}
	if (cells < BAR_MIN) {
		snprintf(text, size, "%.*s", (int)columns - 1, figures);
		return;
	}
	cells = cells > BAR_MAX ? BAR_MAX : cells;
	full = (int)(share * cells);
	memset(bar, '#', full);
	memset(bar + full, '.', cells - full);
	bar[cells] = '\0';
	snprintf(text, size, "%s[%s] %s", front, bar, figures);
}

unsigned bar_left(double share, double seconds)
{
	return share > 0 ? (unsigned)(seconds * (1 - share) / share + 0.5) : 0;
}
