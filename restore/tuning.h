/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel settings that keep the frames of locked pages where they are. Put back when the boot
 * goes on without restoring.
 */
#ifndef RESTORE_TUNING_H
#define RESTORE_TUNING_H

#define TUNING_COUNT 5

/* What the settings were; "" = left alone. */
struct tuning {
	char old[TUNING_COUNT][32];
};

/* A setting that this kernel does not have is passed over. */
void tuning_apply(struct tuning *tuning);
void tuning_undo(struct tuning *tuning);

/* Write TEXT to a file of /proc or /sys. Returns 0 or a negative errno value. */
int tuning_write(const char *path, const char *text);

#endif
