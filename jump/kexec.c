/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading and executing by kexec, and what can stand in the way. */
#include "jump/kexec.h"

#include <errno.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jump/backend.h"
#include "jump/jump.h"
#include "text/files.h"

_Static_assert(sizeof(struct kexec_part) == sizeof(struct kexec_segment), "kexec segment");
_Static_assert(KEXEC_SEGMENTS == KEXEC_SEGMENT_MAX, "number of kexec segments");

int kexec_load(uint64_t entry, const struct kexec_part *parts, size_t count, bool preserve,
	       struct error *err)
{
	unsigned long flags = KEXEC_ARCH_X86_64 | (preserve ? KEXEC_PRESERVE_CONTEXT : 0);

	if (syscall(SYS_kexec_load, entry, count, parts, flags) < 0)
		return error_errno(err, "kexec_load");
	return 0;
}

int kexec_unload(struct error *err)
{
	return kexec_load(0, NULL, 0, false, err);
}

/* Does the switch at PATH, in /proc or /sys, say 1? */
static bool is_on(const char *path)
{
	char text[8];

	return file_read_start(path, text, sizeof(text)) > 0 && *text == '1';
}

static bool loaded(void)
{
	return is_on("/sys/kernel/kexec_loaded");
}

int kexec_execute(struct error *err)
{
	/* Not glibc's reboot(): it takes only the command, which is what is needed, but says
	 * nothing of the return value 0 that a jump back gives. */
	if (syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC,
		    NULL) < 0)
		return error_errno(err, "kexec jump");
	return 0;
}

/* Lockdown in force ("none [integrity] confidentiality")? */
static bool locked_down(void)
{
	char text[128];

	if (file_read_start("/sys/kernel/security/lockdown", text, sizeof(text)) <= 0)
		return false;
	return strstr(text, "[integrity]") || strstr(text, "[confidentiality]");
}

int jump_permitted(struct error *err)
{
	if (geteuid() != 0)
		return error_set(err, EPERM, "only root may load a kernel");
	if (locked_down())
		return error_set(err, EPERM,
				 "kernel lockdown forbids kexec (switch Secure Boot off, or boot "
				 "without lockdown=)");
	if (is_on("/proc/sys/kernel/kexec_load_disabled"))
		return error_set(err, EPERM,
				 "kexec was switched off until the next boot "
				 "(kernel.kexec_load_disabled = 1)");
	return 0;
}

/*
 * A limit counts down with every call, also one that loads nothing (Linux 6.3 and later,
 * kernel/kexec_core.c, kexec_load_permitted()): what is left would be gone before the jump.
 */
static int check_limit(struct error *err)
{
	char text[32];

	if (file_read_start("/proc/sys/kernel/kexec_load_limit_reboot", text, sizeof(text)) <= 0 ||
	    !strncmp(text, "-1", 2))
		return 0;
	return error_set(err, EPERM,
			 "kernels may be loaded only %.*s more times until the next boot "
			 "(kernel.kexec_load_limit_reboot)",
			 (int)strcspn(text, "\n"), text);
}

static int supported(struct error *err)
{
	int ret = jump_permitted(err);

	if (ret < 0)
		return ret;
	if (access("/sys/kernel/kexec_loaded", F_OK) != 0)
		return error_set(err, EOPNOTSUPP, "this kernel was built without CONFIG_KEXEC");
	ret = check_limit(err);
	if (ret < 0)
		return ret;
	/* Unloading nothing tells whether the kernel knows the flag. When something is loaded it
	 * would be lost; then the load itself has to tell. */
	if (!loaded() && kexec_load(0, NULL, 0, true, err) < 0) {
		if (err->code == EINVAL)
			return error_set(err, EOPNOTSUPP,
					 "this kernel was built without CONFIG_KEXEC_JUMP");
		return -err->code;
	}
	return 0;
}

static int load(uint64_t entry, const struct kexec_part *parts, size_t count, struct error *err)
{
	return kexec_load(entry, parts, count, true, err);
}

/* Linux: kernel_kexec() takes them off after the devices. */
static bool parks_cpus(void)
{
	return false;
}

/* Linux: kernel_kexec() freezes programs, too. */
static int freeze(int snapshot, struct jump_freeze *ret, struct error *err)
{
	(void)snapshot;
	(void)err;
	*ret = (struct jump_freeze){ .device = -1, .snapshot = -1 };
	return 0;
}

static int stays_frozen(struct error *err)
{
	return error_set(err, EOPNOTSUPP, "kexec thaws what is frozen; it takes the jump module");
}

static int freeze_staying(int snapshot, struct jump_freeze *ret, struct error *err)
{
	(void)snapshot;
	*ret = (struct jump_freeze){ .device = -1, .snapshot = -1 };
	return stays_frozen(err);
}

static void thaw(struct jump_freeze *frozen)
{
	(void)frozen;
}

static int execute(struct jump_freeze *frozen, struct error *err)
{
	(void)frozen;
	return kexec_execute(err);
}

const struct jump_backend jump_kexec = {
	.name = "kexec",
	.supported = supported,
	.loaded = loaded,
	.load = load,
	.unload = kexec_unload,
	.parks_cpus = parks_cpus,
	.freeze = freeze,
	.thaw = thaw,
	.stays_frozen = stays_frozen,
	.freeze_staying = freeze_staying,
	.execute = execute,
};
