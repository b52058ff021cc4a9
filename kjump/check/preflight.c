/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of what must be in order.
 */
#include "kjump/check/preflight.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "jump/jump.h"
#include "kjump/check/checks.h"

char *check_path(const struct preflight *preflight, const char *path, char *text, size_t size)
{
	snprintf(text, size, "%s%s", preflight->root, path);
	return text;
}

int check_unknown(struct error *note)
{
	error_set(note, 0, "no target");
	return PREFLIGHT_UNKNOWN;
}

int check_closed(struct error *note, const char *what)
{
	error_set(note, 0, "only root may look: %s", what);
	return PREFLIGHT_UNKNOWN;
}

const struct preflight_check preflight_checks[] = {
	{ "suspended devices", "'dmsetup resume NAME'; or end what suspended it", 0,
	  check_suspended },
	{ "jump permitted",
	  "run kjump as root; switch Secure Boot off, or boot without lockdown= and with "
	  "kernel.kexec_load_disabled = 0",
	  0, check_permitted },
	{ "jump",
	  "build the jump module ('make install-module', with the headers of this kernel), or run "
	  "a kernel built with CONFIG_KEXEC_JUMP (Fedora, Ubuntu and NixOS have it)",
	  0, check_jump },
	{ "next kernel", "'dkms autoinstall'", PREFLIGHT_ADVICE, check_next_kernel },
	{ "hibernation allowed",
	  "boot without nohibernate and lockdown; end the programs that hold secret memory", 0,
	  check_hibernation },
	{ "live update", "end the programs that hold a session of /dev/liveupdate", 0,
	  check_live_update },
	{ "inhibitors",
	  "'systemd-inhibit --list' says which; let it finish, or --anyway if it may stand still",
	  PREFLIGHT_WISH | PREFLIGHT_RESTORE, check_inhibitors },
	{ "FRED", "boot with fred=off, or run 6.12.31, 6.14.9, 6.15 or newer", 0, check_fred },
	{ "CPU 0", "echo 1 > /sys/devices/system/cpu/cpu0/online", 0, check_cpu0 },
	{ "left switched off", "'kjump load' puts it back, and so does the next save", 0,
	  check_left },
	{ "drivers", "unmount and unplug the device, or unbind its driver", 0, check_drivers },
	{ "devices",
	  "unplug the device, or give the virtual machine another model (a screen: bochs or qxl); "
	  "--anyway if you can do without it",
	  PREFLIGHT_WISH, check_asleep },
	{ "IOMMU", "boot with intel_iommu=off, or run a kernel with CONFIG_SUSPEND", 0,
	  check_iommu },
	{ "virtio-mem", "give the virtual machine fixed memory", 0, check_virtio_mem },
	{ "memory errors", "end the programs that have the huge page, and empty hugetlbfs of it", 0,
	  check_untouchable },
	{ "memory added later",
	  "plug memory in before the boot, or unplug it first; dynamic memory of a virtual machine "
	  "must be switched off",
	  PREFLIGHT_RESTORE | PREFLIGHT_TELL, check_added_memory },
	{ "memory encryption", "switch SME, SEV, TDX or mem_encrypt= off", 0,
	  check_encrypted_memory },
	{ "target", "'kjump format DEVICE', and target = UUID=... in /etc/kjump.conf",
	  PREFLIGHT_READS, check_target },
	{ "image on the target",
	  "boot the system that it belongs to; or give it up with 'kjump discard' or --replace", 0,
	  check_waiting },
	{ "swap on the target",
	  "take it out of /etc/fstab, /etc/crypttab and the units of systemd; give the partition "
	  "another type with "
	  "'sfdisk --part-type'",
	  PREFLIGHT_TELL, check_activation },
	{ "layers below the target",
	  "take a disk, a partition, or a linear logical volume that lies on these and nothing "
	  "else",
	  0, check_layers },
	{ "sealed images", "'kjump key create', or seal = no", 0, check_sealed },
	{ "encrypted disks",
	  "seal images ('kjump key create'); or set allow_plaintext = yes if they may hold keys "
	  "and data of the disks in clear",
	  0, check_plaintext },
	{ "changes of disks",
	  "unmount it (swapoff), or set allow_unwatched to it if it stays as it is while the "
	  "system "
	  "is away",
	  PREFLIGHT_RESTORE | PREFLIGHT_READS, check_watched },
	{ "target size", "take a larger device, or close programs first", PREFLIGHT_ADVICE,
	  check_size },
	{ "kernel B's initramfs", "'kjump initramfs' makes it anew",
	  PREFLIGHT_COLD | PREFLIGHT_TELL, check_writer },
	{ "memory for kernel B", "close programs, or 'kjump load' soon after boot", PREFLIGHT_LATER,
	  check_home },
	{ "room for the boot kernel", "close programs first", PREFLIGHT_LATER | PREFLIGHT_RESTORE,
	  check_room },
	{ "boot parameter", "add rd.kjump.resume= with the target to the kernel command line",
	  PREFLIGHT_LOSS | PREFLIGHT_RESTORE | PREFLIGHT_TELL, check_parameter },
	{ "initramfs hook",
	  "install kjump's hook and make the initramfs anew (dracut -f, update-initramfs -u, or "
	  "mkinitcpio -P with kjump in HOOKS)",
	  PREFLIGHT_LOSS | PREFLIGHT_RESTORE | PREFLIGHT_TELL, check_hook },
	{ "key at boot",
	  "make the initramfs anew (dracut -f, update-initramfs -u, or mkinitcpio -P)",
	  PREFLIGHT_LOSS | PREFLIGHT_RESTORE | PREFLIGHT_TELL, check_unlocked },
	{ NULL, NULL, 0, NULL },
};

int preflight_check(const struct preflight_check *check, struct preflight *preflight,
		    struct error *note)
{
	int ret;

	preflight->advice = check->advice;
	if (preflight->suspended && check->when & PREFLIGHT_READS) {
		error_set(note, 0, "not looked at: a device is suspended");
		return PREFLIGHT_UNKNOWN;
	}
	ret = check->run(preflight, note);
	if ((ret != -EACCES && ret != -EPERM) || geteuid() == 0)
		return ret;
	error_prefix(note, "only root may look");
	return PREFLIGHT_UNKNOWN;
}

const char *preflight_result_name(int result)
{
	if (result < 0)
		return "problem";
	return result == PREFLIGHT_UNKNOWN ? "unknown" : result ? "warning" : "ok";
}

enum color preflight_result_color(int result)
{
	if (result < 0)
		return COLOR_BAD;
	return result == PREFLIGHT_UNKNOWN ? COLOR_UNKNOWN : result ? COLOR_DOUBT : COLOR_GOOD;
}

int preflight_judge(const struct preflight_check *check, const struct config *config, int result,
		    const struct error *note, struct error *err)
{
	const unsigned refused = PREFLIGHT_LOSS | PREFLIGHT_WISH;
	struct error found = *note;

	if (!result || (result > 0 && !(check->when & PREFLIGHT_TELL)))
		return 0;
	if (result < 0 && check->when & refused && !config->anyway)
		return error_set(err, -result, "%s: %.150s; %s", check->name, found.text,
				 check->when & PREFLIGHT_LOSS
					 ? "the next boot would not restore (--anyway for those "
					   "who know that it will)"
					 : "nothing was saved (--anyway for those who know "
					   "better)");
	if (result < 0 && !(check->when & (PREFLIGHT_ADVICE | refused))) {
		*err = found;
		return result;
	}
	message("%s: %s; going on", check->name, found.text);
	return 0;
}

int preflight_run(struct preflight *preflight, struct error *err)
{
	for (const struct preflight_check *check = preflight_checks; check->name; check++) {
		struct error note = { 0 };
		int ret;

		if (check->when & PREFLIGHT_LATER ||
		    (check->when & PREFLIGHT_COLD && jump_loaded()) ||
		    (check->when & PREFLIGHT_RESTORE && preflight->operation == OP_CHECKPOINT))
			continue;
		ret = preflight_check(check, preflight, &note);
		ret = preflight_judge(check, preflight->config, ret, &note, err);
		if (ret)
			return ret;
	}
	return 0;
}
