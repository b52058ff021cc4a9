/* SPDX-License-Identifier: GPL-2.0 */
/* The state of CPU 0, saved without the kernel's own functions for it. */
#ifndef KJUMP_CPU_STATE_H
#define KJUMP_CPU_STATE_H

#include <linux/types.h>

/* Is all of this CPU's state known here? */
bool kjump_cpu_state_supported(void);

/*
 * What crossing.S does not see to: kjump_cpu_state_restore() expects the control registers, EFER,
 * the GS base and the writable GDT as they were. Interrupts are off.
 */
void kjump_cpu_state_save(void);
void kjump_cpu_state_restore(void);

#endif
