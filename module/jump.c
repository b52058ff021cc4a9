// SPDX-License-Identifier: GPL-2.0
/*
 * Bringing the system to a standstill, and back. As hibernation does it (kernel/power/hibernate.c),
 * with one difference: CPUs go first. A driver may close its queue to what is new and leave open
 * what is there (virtio-blk does); a CPU that goes later waits for the requests that were made on
 * it meanwhile, for ever. Writeback is never frozen, so there is always somebody who makes them.
 *
 * Devices get the messages of hibernation: they lose their state, and may find another kernel's.
 */
#include <linux/cpu.h>
#include <linux/kernel.h>
#include <linux/pm.h>
#include <linux/sched/signal.h>
#include <linux/suspend.h>
#include <linux/syscore_ops.h>

#include "kjump.h"

/* With the devices suspended: the rest, the crossing, and the same backwards. */
static int stand_still(struct kjump_image *image, const struct kjump_way *way, bool *crossed)
{
	int ret;

	local_irq_disable();
	/* From here on nobody can send a signal. Who is killed does nothing after the jump. */
	if (fatal_signal_pending(current)) {
		local_irq_enable();
		return kjump_refuse(-EINTR, "the caller was killed");
	}
	system_state = SYSTEM_SUSPEND;
	ret = syscore_suspend();
	if (ret) {
		kjump_refuse(ret, "a part of the kernel's core refused to suspend");
	} else {
		kjump_cross(image, way);
		*crossed = true;
		syscore_resume();
	}
	system_state = SYSTEM_RUNNING;
	local_irq_enable();
	return ret;
}

/* With the tasks frozen. */
static int suspend_and_cross(struct kjump_image *image, const struct kjump_way *way)
{
	bool suspended = false, crossed = false;
	pm_message_t message;
	int ret = way->cpus_off();

	if (ret) {
		way->cpus_on();
		return kjump_refuse(ret, "a CPU refused to go offline");
	}
	way->console_off();
	ret = dpm_suspend_start(PMSG_FREEZE);
	if (!ret)
		ret = dpm_suspend_end(PMSG_FREEZE);
	if (ret) {
		kjump_refuse(ret, KJUMP_CAUSE_DEVICE);
	} else {
		suspended = true;
		ret = stand_still(image, way, &crossed);
	}
	/* As the kernel does it: drivers count the CPUs that are there when they resume. */
	way->cpus_on();
	message = crossed ? PMSG_RESTORE : PMSG_RECOVER;
	if (suspended)
		dpm_resume_start(message);
	dpm_resume_end(message);
	way->console_on();
	return ret;
}

/* A page may have been poisoned since. */
static int check_ranges(const struct kjump_image *image)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < image->count; i++)
		ret = kjump_range_usable(image->ranges + i);
	return ret;
}

int kjump_freeze(const struct kjump_way *way)
{
	/* Nobody else suspends or hibernates meanwhile; once tasks are frozen, nobody can. */
	unsigned int flags = lock_system_sleep();
	int ret = way->freeze_programs();

	unlock_system_sleep(flags);
	return ret;
}

void kjump_thaw(const struct kjump_way *way)
{
	unsigned int flags = lock_system_sleep();

	way->thaw_tasks();
	unlock_system_sleep(flags);
}

int kjump_jump(struct kjump_image *image, const struct kjump_way *way)
{
	unsigned int flags;
	int ret = check_ranges(image);

	if (ret)
		return ret;
	if (!cpu_online(0))
		return kjump_refuse(-EBUSY, "CPU 0 is offline");
	flags = lock_system_sleep();
	ret = way->freeze_threads();
	if (!ret)
		ret = suspend_and_cross(image, way);
	unlock_system_sleep(flags);
	return ret;
}
