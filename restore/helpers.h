/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CPUs that the payload may use, which it wakes itself once this kernel is gone. */
#ifndef RESTORE_HELPERS_H
#define RESTORE_HELPERS_H

#include <stddef.h>
#include <stdint.h>

#include "common/abi.h"

#define HELPERS_CPUINFO "/proc/cpuinfo"

/* Two at least, or none: then the payload does with the CPU that it starts on, and WHY says why. */
struct helpers {
	uint32_t apic_ids[PAYLOAD_HELPERS + 1]; /* of these CPUs, the one it starts on among them */
	uint32_t count;
	char why[96];
};

/*
 * The CPUs in use by a listing like HELPERS_CPUINFO, at most LIMIT of them (0 = as many as the
 * payload can use), in a machine of this HYPERVISOR ("" = none), as helpers_hypervisor() says it.
 */
void helpers_find(const char *cpuinfo, const char *hypervisor, uint32_t limit, struct helpers *ret);

/*
 * What the hypervisor that this runs in calls itself (CPUID leaf 0x40000000), "" without one. RET
 * has room for 13 bytes.
 */
void helpers_hypervisor(char *ret);

#endif
