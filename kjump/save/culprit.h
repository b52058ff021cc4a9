/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who did not let the system freeze, as the kernel log tells.
 */
#ifndef KJUMP_SAVE_CULPRIT_H
#define KJUMP_SAVE_CULPRIT_H

#include <stddef.h>

#include "common/error.h"
#include "jump/jump.h"

#define CULPRIT_SIZE 128

/* Before the freeze: a descriptor for culprit_name(); -1 where there is no /dev/kmsg. */
int culprit_watch(void);

/*
 * Once everything is thawed: who refused since culprit_watch() returned KMSG, which is closed; ""
 * when nothing tells.
 */
void culprit_name(int kmsg, char *ret, size_t size);

/*
 * The same from lines of the kernel log as /dev/kmsg gives them (LOG is changed): "DEVICE" or
 * "DEVICE (DRIVER)" with the driver of the device below it, or the task; "" when no line tells.
 * SYS is /sys.
 */
void culprit_find(char *log, const char *sys, char *ret, size_t size);

/*
 * Why the kernel did not jump by BACKEND: CODE (positive errno value) and, of the module, what is
 * in ERR already, with the CULPRIT or the place where it can be found. Returns -CODE.
 */
int culprit_explain(const struct jump_backend *backend, int code, const char *culprit,
		    struct error *err);

#endif
