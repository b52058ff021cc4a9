// SPDX-License-Identifier: GPL-2.0
/*
 * Who may use the device, and on which machines. Another kernel in ring 0 is as much as another
 * module: the rules are those of kexec_load(2).
 */
#include <linux/capability.h>
#include <linux/cc_platform.h>
#include <linux/cpufeature.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/security.h>

#include "kjump.h"

int kjump_permitted(void)
{
	int ret;

	if (!capable(CAP_SYS_BOOT))
		return kjump_refuse(-EPERM, "the caller has no CAP_SYS_BOOT");
	ret = security_locked_down(LOCKDOWN_KEXEC);
	if (ret)
		return kjump_refuse(ret, "the kernel is locked down");
	return 0;
}

/* First character of a file below ROOT; 0 when there is no such file. */
static int first_character(const struct path *root, const char *name)
{
	struct file *file = file_open_root(root, name, O_RDONLY, 0);
	loff_t position = 0;
	char character;
	ssize_t n;

	if (IS_ERR(file))
		return PTR_ERR(file) == -ENOENT ? 0 : PTR_ERR(file);
	n = kernel_read(file, &character, 1, &position);
	fput(file);
	return n == 1 ? character : -EIO;
}

/*
 * The variable belongs to kexec and is not exported, so it is read as users read it; from a mount
 * of our own, because anything can be mounted over theirs. Without kexec there is no such switch.
 */
int kjump_load_permitted(void)
{
	struct file_system_type *type = get_fs_type("proc");
	struct vfsmount *mount;
	struct path root;
	int character;

	if (!type)
		return kjump_refuse(-EPERM, "the kernel has no proc file system");
	mount = kern_mount(type);
	if (IS_ERR(mount)) {
		character = PTR_ERR(mount);
	} else {
		root = (struct path){ .mnt = mount, .dentry = mount->mnt_root };
		character = first_character(&root, "sys/kernel/kexec_load_disabled");
		kern_unmount(mount);
	}
	module_put(type->owner);
	if (character < 0)
		return kjump_refuse(-EPERM, "kernel.kexec_load_disabled cannot be read: error %d",
				    character);
	if (character && character != '0')
		return kjump_refuse(-EPERM, "kernel.kexec_load_disabled is set");
	return 0;
}

int kjump_machine_supported(void)
{
	/* Another kernel would have to use the same keys for the same pages. */
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		return kjump_refuse(-EOPNOTSUPP, "memory is encrypted (SME, SEV or TDX)");
#ifdef X86_BUG_TDX_PW_MCE
	/* Who writes part of a line of a TDX guest's memory gets a machine check later. */
	if (boot_cpu_has_bug(X86_BUG_TDX_PW_MCE))
		return kjump_refuse(-EOPNOTSUPP, "TDX is on, and this CPU has its erratum");
#endif
	if (boot_cpu_has(X86_FEATURE_XENPV))
		return kjump_refuse(-EOPNOTSUPP, "a paravirtualised Xen guest");
	return 0;
}
