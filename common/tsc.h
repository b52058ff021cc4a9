/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time-stamp counter: the one clock that runs on from A into B and back. */
#ifndef COMMON_TSC_H
#define COMMON_TSC_H

#include <stdint.h>

static inline uint64_t tsc_read(void)
{
	return __builtin_ia32_rdtsc();
}

#endif
