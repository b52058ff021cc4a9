// SPDX-License-Identifier: GPL-2.0
/* Standing still by the functions that the kernel itself uses for it; they are not exported. */
#include <linux/console.h>
#include <linux/cpu.h>
#include <linux/freezer.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/suspend.h>

#include <asm/io_apic.h>

#include "kjump.h"
#include "symbols.h"

/* Two names: suspend_console() became console_suspend_all() in 6.15. */
void kjump_console_function(void);

DEFINE_STATIC_CALL_NULL(kjump_freeze_processes, freeze_processes);
DEFINE_STATIC_CALL_NULL(kjump_freeze_kernel_threads, freeze_kernel_threads);
DEFINE_STATIC_CALL_NULL(kjump_thaw_processes, thaw_processes);
DEFINE_STATIC_CALL_NULL(kjump_freeze_secondary_cpus, freeze_secondary_cpus);
DEFINE_STATIC_CALL_NULL(kjump_thaw_secondary_cpus, thaw_secondary_cpus);
DEFINE_STATIC_CALL_NULL(kjump_suspend_console, kjump_console_function);
DEFINE_STATIC_CALL_NULL(kjump_resume_console, kjump_console_function);
DEFINE_STATIC_CALL_NULL(kjump_save_processor_state, save_processor_state);
DEFINE_STATIC_CALL_NULL(kjump_restore_processor_state, restore_processor_state);
DEFINE_STATIC_CALL_NULL(kjump_clear_IO_APIC, clear_IO_APIC);
DEFINE_STATIC_CALL_NULL(kjump_restore_boot_irq_mode, restore_boot_irq_mode);
/* Only where there is a console on a screen. */
DEFINE_STATIC_CALL_NULL(kjump_pm_prepare_console, pm_prepare_console);
DEFINE_STATIC_CALL_NULL(kjump_pm_restore_console, pm_restore_console);

#define FUNCTION(call, first_name, second_name)                                                    \
	{                                                                                          \
		.key = &STATIC_CALL_KEY(call), .trampoline = STATIC_CALL_TRAMP_ADDR(call),         \
		.name = first_name, .newer = second_name,                                          \
	}

static const struct {
	struct static_call_key *key;
	void *trampoline;
	const char *name, *newer;
} functions[] = {
	FUNCTION(kjump_freeze_processes, "freeze_processes", NULL),
	FUNCTION(kjump_freeze_kernel_threads, "freeze_kernel_threads", NULL),
	FUNCTION(kjump_thaw_processes, "thaw_processes", NULL),
	FUNCTION(kjump_freeze_secondary_cpus, "freeze_secondary_cpus", NULL),
	FUNCTION(kjump_thaw_secondary_cpus, "thaw_secondary_cpus", NULL),
	FUNCTION(kjump_suspend_console, "suspend_console", "console_suspend_all"),
	FUNCTION(kjump_resume_console, "resume_console", "console_resume_all"),
	FUNCTION(kjump_save_processor_state, "save_processor_state", NULL),
	FUNCTION(kjump_restore_processor_state, "restore_processor_state", NULL),
	FUNCTION(kjump_clear_IO_APIC, "clear_IO_APIC", NULL),
	FUNCTION(kjump_restore_boot_irq_mode, "restore_boot_irq_mode", NULL),
}, optional[] = {
	FUNCTION(kjump_pm_prepare_console, "pm_prepare_console", NULL),
	FUNCTION(kjump_pm_restore_console, "pm_restore_console", NULL),
};

static bool find(const typeof(*functions) *function)
{
	return kjump_bind(function->key, function->trampoline, function->name) ||
	       (function->newer &&
		kjump_bind(function->key, function->trampoline, function->newer));
}

bool kjump_internal_find(char *missing, size_t size)
{
	bool complete = true;

	for (unsigned int i = 0; i < ARRAY_SIZE(functions); i++) {
		if (find(functions + i))
			continue;
		scnprintf(missing + strlen(missing), size - strlen(missing), "%s%s",
			  *missing ? " " : "", functions[i].name);
		complete = false;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(optional); i++)
		find(optional + i);
	return complete;
}

static int freeze_programs(void)
{
	int ret;

	static_call_cond(kjump_pm_prepare_console)();
	ret = static_call(kjump_freeze_processes)();
	if (ret) {
		kjump_refuse(ret, "programs refused to freeze");
		static_call_cond(kjump_pm_restore_console)();
	}
	return ret;
}

/* Without them devices get new work while they are suspended. */
static int freeze_threads(void)
{
	int ret = static_call(kjump_freeze_kernel_threads)();

	return ret ? kjump_refuse(ret, "kernel threads refused to freeze") : 0;
}

static void thaw_tasks(void)
{
	static_call_cond(kjump_thaw_processes)();
	static_call_cond(kjump_pm_restore_console)();
}

static int cpus_off(void)
{
	return static_call(kjump_freeze_secondary_cpus)(0);
}

static void cpus_on(void)
{
	static_call_cond(kjump_thaw_secondary_cpus)();
}

static void console_off(void)
{
	static_call_cond(kjump_suspend_console)();
}

static void console_on(void)
{
	static_call_cond(kjump_resume_console)();
}

static void save_cpu(void)
{
	static_call_cond(kjump_save_processor_state)();
	/*
	 * Interrupts as a kernel finds them that boots: by the i8259, through the local APIC. What
	 * this kernel had set was saved by syscore_suspend().
	 */
	static_call_cond(kjump_clear_IO_APIC)();
	static_call_cond(kjump_restore_boot_irq_mode)();
}

static void restore_cpu(void)
{
	static_call_cond(kjump_restore_processor_state)();
}

const struct kjump_way kjump_internal = {
	.freeze_programs = freeze_programs,
	.freeze_threads = freeze_threads,
	.thaw_tasks = thaw_tasks,
	.cpus_off = cpus_off,
	.cpus_on = cpus_on,
	.console_off = console_off,
	.console_on = console_on,
	.save_cpu = save_cpu,
	.restore_cpu = restore_cpu,
};
