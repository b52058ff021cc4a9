// SPDX-License-Identifier: GPL-2.0
/*
 * Standing still by what the kernel exports to modules, for kernels whose own functions are not
 * found. The caller has frozen the tasks (SNAPSHOT_FREEZE of /dev/snapshot); kernel threads run on.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include "cpu-state.h"
#include "kjump.h"

static struct cpumask removed;
static int loglevel;

int kjump_exported_supported(void)
{
	if (!kjump_cpu_state_supported())
		return kjump_refuse(-EOPNOTSUPP,
				    "functions to save this CPU's state (FRED) were not found");
	return 0;
}

static int freeze_programs(void)
{
	if (!kjump_caller_froze())
		return kjump_refuse(-EINVAL, "the caller has not frozen the tasks");
	return 0;
}

static int freeze_threads(void)
{
	return 0;
}

static void thaw_tasks(void)
{
}

/* The device by which tasks were frozen forbids that CPUs come and go. */
static int cpus_off(void)
{
	unsigned int cpu;
	int ret = 0;

	cpumask_clear(&removed);
	cpu_hotplug_enable();
	for_each_present_cpu(cpu) {
		if (!cpu || !cpu_online(cpu))
			continue;
		ret = remove_cpu(cpu);
		if (ret)
			break;
		cpumask_set_cpu(cpu, &removed);
	}
	cpu_hotplug_disable();
	return ret;
}

static void cpus_on(void)
{
	unsigned int cpu;

	cpu_hotplug_enable();
	for_each_cpu(cpu, &removed) {
		if (add_cpu(cpu))
			pr_err("kjump: CPU %u does not come back\n", cpu);
	}
	cpu_hotplug_disable();
}

static void console_off(void)
{
	loglevel = console_loglevel;
	console_loglevel = CONSOLE_LOGLEVEL_SILENT;
}

static void console_on(void)
{
	console_loglevel = loglevel;
}

const struct kjump_way kjump_exported = {
	.freeze_programs = freeze_programs,
	.freeze_threads = freeze_threads,
	.thaw_tasks = thaw_tasks,
	.cpus_off = cpus_off,
	.cpus_on = cpus_on,
	.console_off = console_off,
	.console_on = console_on,
	.save_cpu = kjump_cpu_state_save,
	.restore_cpu = kjump_cpu_state_restore,
};
