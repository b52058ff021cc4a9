// SPDX-License-Identifier: GPL-2.0
/*
 * kjump: jump into another kernel that lies beside this one in memory, and come back. The device
 * /dev/kjump loads that kernel and jumps; kjump-ioctl.h is the interface.
 *
 * A kernel built with CONFIG_KEXEC_JUMP can do as much by kexec_load(2) and reboot(2). This is for
 * the kernels that are not, and does some things better: see jump.c.
 */
#include <linux/fs.h>
#include <linux/memory.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/uaccess.h>

#include "kjump.h"
#include "symbols.h"

static bool only_exported;
module_param_named(exported, only_exported, bool, 0444);
MODULE_PARM_DESC(exported, "use only functions that the kernel exports to modules");

static struct {
	struct mutex lock; /* for all below, and one call at a time */
	struct kjump_image *image;
	const struct kjump_way *way;
	struct file *frozen_by; /* programs are frozen until it thaws them or is closed */
	char missing[KJUMP_MISSING_SIZE];
} kjump = { .lock = __MUTEX_INITIALIZER(kjump.lock) };

static void drop(void)
{
	if (kjump.image)
		kjump_image_free(kjump.image);
	kjump.image = NULL;
}

static int check_abi(u32 abi)
{
	if (abi != KJUMP_ABI)
		return kjump_refuse(-EPROTO,
				    "the caller is of version %u, the module of version %u", abi,
				    KJUMP_ABI);
	return 0;
}

static int status(struct kjump_status __user *user)
{
	struct kjump_status status = { .abi = KJUMP_ABI };

	if (kjump.way == &kjump_exported)
		status.flags |= KJUMP_STATUS_FREEZE_TASKS;
	if (kjump.image)
		status.head = kjump.image->head;
	strscpy(status.cause, kjump_refused(), sizeof(status.cause));
	strscpy(status.missing, kjump.missing, sizeof(status.missing));
	return copy_to_user(user, &status, sizeof(status)) ? -EFAULT : 0;
}

static int load(const struct kjump_load __user *user)
{
	struct kjump_load load;
	int ret;

	if (copy_from_user(&load, user, sizeof(load)))
		return -EFAULT;
	ret = check_abi(load.abi);
	if (!ret)
		ret = kjump_load_permitted();
	if (!ret)
		ret = kjump_machine_supported();
	if (!ret && kjump.way == &kjump_exported)
		ret = kjump_exported_supported();
	if (ret)
		return ret;
	/* First, so that the two need not be there at once. */
	drop();
	return kjump_image_load(&load, &kjump.image);
}

static int unload(void)
{
	int ret = kjump_load_permitted();

	if (!ret)
		drop();
	return ret;
}

static int freeze(struct file *file, const struct kjump_freeze __user *user)
{
	struct kjump_freeze freeze;
	int ret;

	if (copy_from_user(&freeze, user, sizeof(freeze)))
		return -EFAULT;
	ret = check_abi(freeze.abi);
	if (ret)
		return ret;
	if (freeze.flags)
		return kjump_refuse(-EINVAL, "unknown flags %#x", freeze.flags);
	if (kjump.frozen_by)
		return kjump_refuse(-EBUSY, "programs are frozen already");
	ret = kjump_freeze(kjump.way);
	if (!ret)
		kjump.frozen_by = file;
	return ret;
}

static void thaw(struct file *file)
{
	if (kjump.frozen_by != file)
		return;
	kjump_thaw(kjump.way);
	kjump.frozen_by = NULL;
}

static int jump(struct file *file, const struct kjump_jump __user *user)
{
	struct kjump_jump jump;
	bool stay;
	int ret;

	if (copy_from_user(&jump, user, sizeof(jump)))
		return -EFAULT;
	ret = check_abi(jump.abi);
	if (ret)
		return ret;
	if (jump.flags & ~KJUMP_JUMP_STAY_FROZEN)
		return kjump_refuse(-EINVAL, "unknown flags %#x", jump.flags);
	stay = jump.flags & KJUMP_JUMP_STAY_FROZEN;
	/* The exported functions leave the kernel's own threads running. */
	if (stay && (kjump.way == &kjump_exported || !kjump_caller_froze()))
		return kjump_refuse(-EINVAL, "the caller has not frozen the tasks");
	if (!kjump.image)
		return kjump_refuse(-ENOENT, "no kernel is loaded");
	if (kjump.frozen_by && kjump.frozen_by != file)
		return kjump_refuse(-EBUSY, "programs are frozen by somebody else");
	if (!kjump.frozen_by && !stay) {
		ret = kjump_freeze(kjump.way);
		if (ret)
			return ret;
		kjump.frozen_by = file;
	}
	return kjump_jump(kjump.image, kjump.way);
}

static int call(struct file *file, unsigned int command, void __user *user)
{
	int ret;

	if (command == KJUMP_STATUS)
		return kjump_permitted() ?: status(user);
	kjump_refused_none();
	/* Each time: the descriptor may have been passed on, the kernel locked down meanwhile. */
	ret = kjump_permitted();
	if (ret)
		return ret;
	switch (command) {
	case KJUMP_LOAD:
		return load(user);
	case KJUMP_UNLOAD:
		return unload();
	case KJUMP_JUMP:
		ret = jump(file, user);
		thaw(file);
		return ret;
	case KJUMP_FREEZE:
		return freeze(file, user);
	case KJUMP_THAW:
		thaw(file);
		return 0;
	default:
		return -ENOTTY;
	}
}

static long kjump_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	int ret;

	/* Interruptible: who waits here must not keep the tasks from being frozen. */
	if (mutex_lock_interruptible(&kjump.lock))
		return -ERESTARTSYS;
	ret = call(file, command, (void __user *)argument);
	mutex_unlock(&kjump.lock);
	return ret;
}

static int kjump_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_BOOT) ? nonseekable_open(inode, file) : -EPERM;
}

/* Whoever froze the others is killed, or ends without having thawed them. */
static int kjump_release(struct inode *inode, struct file *file)
{
	mutex_lock(&kjump.lock);
	thaw(file);
	mutex_unlock(&kjump.lock);
	return 0;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = kjump_open,
	.release = kjump_release,
	.unlocked_ioctl = kjump_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kjump",
	.fops = &operations,
	.mode = 0600,
};

/*
 * Memory that comes and goes makes the page tables and the choice of pages wrong. Whoever loads or
 * jumps right now holds the lock and waits for CPUs, which who changes memory may hold: so nobody
 * waits here.
 */
static int memory_changes(struct notifier_block *block, unsigned long action, void *data)
{
	if (action != MEM_GOING_ONLINE && action != MEM_GOING_OFFLINE)
		return NOTIFY_DONE;
	if (!mutex_trylock(&kjump.lock))
		return notifier_from_errno(-EBUSY);
	if (kjump.image)
		pr_notice("kjump: dropped what is loaded: memory is added or removed\n");
	drop();
	mutex_unlock(&kjump.lock);
	return NOTIFY_OK;
}

static struct notifier_block memory_notifier = { .notifier_call = memory_changes };

static int __init kjump_init(void)
{
	int ret;

	kjump_symbols_begin();
	kjump_segments_find();
	kjump_cross_find();
	kjump.way = &kjump_internal;
	if (only_exported || !kjump_internal_find(kjump.missing, sizeof(kjump.missing)))
		kjump.way = &kjump_exported;
	if (*kjump.missing)
		pr_notice("kjump: not found in this kernel: %s; doing without\n", kjump.missing);
	ret = register_memory_notifier(&memory_notifier);
	if (ret)
		return ret;
	ret = misc_register(&device);
	if (ret)
		unregister_memory_notifier(&memory_notifier);
	return ret;
}

static void __exit kjump_exit(void)
{
	misc_deregister(&device);
	unregister_memory_notifier(&memory_notifier);
	drop();
}

module_init(kjump_init);
module_exit(kjump_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Jump into another kernel and back");
MODULE_VERSION("1");
