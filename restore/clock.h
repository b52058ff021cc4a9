/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time since boot, and waiting for devices. */
#ifndef RESTORE_CLOCK_H
#define RESTORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_SECOND UINT64_C(1000000000)

/* CLOCK_BOOTTIME in nanoseconds. */
uint64_t clock_now(void);

/* Sleep 100 ms; false, at once, when DEADLINE (clock_now()) is over. */
bool clock_wait(uint64_t deadline);

#endif
