/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A splash screen, Plymouth, while an image is read: by its client, plymouth(1), whose words are
 * those of src/client/plymouth.c.
 */
#ifndef RESTORE_SPLASH_H
#define RESTORE_SPLASH_H

#include <stdbool.h>
#include <sys/types.h>

/* splash_open() fills it; splash_close() ends it. */
struct splash {
	bool there;
	unsigned percent; /* shown last */
	char text[128];	  /* that is on the screen, or "" */
	pid_t keys;	  /* the client that waits for a key, or 0 */
};

/* Is there one? A client that does not answer within two seconds is taken for none. */
bool splash_open(struct splash *splash);

/*
 * Show the message TEXT, and move the bar to PERCENT where the theme has one. (Few themes show it
 * at boot, and "change-mode --updates", where all do, would say that updates are installed.)
 */
void splash_show(struct splash *splash, const char *text, unsigned percent);

/* Was one of KEYS pressed? Esc belongs to Plymouth, which shows what is behind the screen. */
bool splash_pressed(struct splash *splash, const char *keys);

/* Neither message nor keys are left; KEYS as they were asked for. */
void splash_close(struct splash *splash, const char *keys);

#endif
