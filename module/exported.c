// SPDX-License-Identifier: GPL-2.0
/*
 * Standing still by what the kernel exports to modules, for kernels whose own functions are not
 * found. The caller has frozen the tasks (SNAPSHOT_FREEZE of /dev/snapshot); kernel threads run on.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include <asm/desc.h>

#include "kjump.h"

int kjump_exported_supported(void)
{
	return kjump_refuse(-EOPNOTSUPP, "functions of this kernel were not found");
}

const struct kjump_way kjump_exported = {};
