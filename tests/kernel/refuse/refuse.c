// SPDX-License-Identifier: GPL-2.0
/* A device, and a CPU, that refuse to suspend when they are told to, or kill who suspends. */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/sched/signal.h>

static char when[16] = "never";
module_param_string(when, when, sizeof(when), 0644);
MODULE_PARM_DESC(when, "never, prepare, freeze, noirq, cpu or kill");

static int refuse(const char *step)
{
	return sysfs_streq(when, step) ? -EIO : 0;
}

static int prepare(struct device *device)
{
	return refuse("prepare");
}

static int freeze(struct device *device)
{
	if (sysfs_streq(when, "kill"))
		send_sig(SIGKILL, current, 1);
	return refuse("freeze");
}

static int noirq(struct device *device)
{
	return refuse("noirq");
}

static int cpu_goes(unsigned int cpu)
{
	return refuse("cpu");
}

static const struct dev_pm_ops operations = {
	.prepare = prepare,
	.freeze = freeze,
	.freeze_noirq = noirq,
};

static struct platform_driver driver = {
	.driver = { .name = "refuse", .pm = &operations },
};

static struct platform_device *device;
static int state;

static int __init refuse_init(void)
{
	int ret = platform_driver_register(&driver);

	if (ret)
		return ret;
	device = platform_device_register_simple("refuse", PLATFORM_DEVID_NONE, NULL, 0);
	state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "refuse", NULL, cpu_goes);
	return PTR_ERR_OR_ZERO(device);
}

static void __exit refuse_exit(void)
{
	cpuhp_remove_state_nocalls(state);
	platform_device_unregister(device);
	platform_driver_unregister(&driver);
}

module_init(refuse_init);
module_exit(refuse_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Refuse to suspend, for tests");
