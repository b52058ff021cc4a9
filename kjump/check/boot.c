/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of what the next boot needs to restore an image.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "disk/disk.h"
#include "kjump/check/checks.h"
#include "kjump/paths.h"
#include "text/cmdline.h"
#include "text/files.h"

/* Do two paths lead to the same block device (or file)? */
static bool same_device(const char *a, const char *b)
{
	struct stat first, second;

	if (stat(a, &first) || stat(b, &second))
		return false;
	return S_ISBLK(first.st_mode) && S_ISBLK(second.st_mode)
		       ? first.st_rdev == second.st_rdev
		       : first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* Of the running kernel: the next boot has normally the same. */
int check_parameter(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], cmdline[CMDLINE_READ_SIZE], spec[256];
	char device[sizeof(preflight->disk.name)];
	int ret;

	check_path(preflight, PATH_CMDLINE, path, sizeof(path));
	ret = file_read(path, cmdline, sizeof(cmdline), note);
	if (ret)
		return ret;
	if (!cmdline_value(cmdline, "rd.kjump.resume", spec, sizeof(spec)))
		return error_set(note, ENOENT,
				 "no rd.kjump.resume= on the command line of the running kernel");
	ret = disk_find(spec, device, sizeof(device), note);
	if (ret)
		return error_prefix(note, "rd.kjump.resume");
	if (*preflight->disk.name && !same_device(device, preflight->disk.name))
		return error_set(note, EINVAL, "rd.kjump.resume=%s is %s, the target is %s", spec,
				 device, preflight->disk.name);
	error_set(note, 0, "rd.kjump.resume=%s", spec);
	return 0;
}

/* Where a hook is installed, one of a pair in /etc and /usr, and who makes the initramfs. */
static const struct {
	const char *path, *system;
} hooks[] = {
	{ "/usr/lib/dracut/modules.d/50kjump/module-setup.sh", "dracut" },
	{ "/etc/initramfs-tools/hooks/kjump", "initramfs-tools" },
	{ "/usr/share/initramfs-tools/hooks/kjump", "initramfs-tools" },
	{ "/etc/initcpio/hooks/kjump", "mkinitcpio" },
	{ "/usr/lib/initcpio/hooks/kjump", "mkinitcpio" },
};

/* Where distributions put the initramfs of kernel %s. */
static const char *const images[] = {
	"/boot/initrd.img-%s",	     "/boot/initramfs-%s.img", "/boot/initrd-%s",
	"/boot/initramfs-linux.img", "/lib/modules/%s/initrd",
};

/* Time of the running kernel's initramfs; ENOENT when it is in none of the known places. */
static int stat_image(struct preflight *preflight, char *path, size_t size, struct stat *ret)
{
	struct utsname system;
	char name[200];

	if (uname(&system))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++) {
		const char *place = strstr(images[i], "%s");
		int before = place ? (int)(place - images[i]) : (int)strlen(images[i]);

		snprintf(name, sizeof(name), "%.*s%s%s", before, images[i],
			 place ? system.release : "", place ? place + 2 : "");
		if (!stat(check_path(preflight, name, path, size), ret))
			return 0;
	}
	return -ENOENT;
}

/*
 * An initramfs is not unpacked to look into it: made after the hook was installed is near enough.
 * The change time of the hook, because packages install files with the times of their making.
 */
int check_hook(struct preflight *preflight, struct error *note)
{
	char hook[CHECK_PATH_SIZE], image[CHECK_PATH_SIZE];
	struct stat of_hook, of_image;
	size_t i = 0;

	while (i < sizeof(hooks) / sizeof(*hooks) &&
	       stat(check_path(preflight, hooks[i].path, hook, sizeof(hook)), &of_hook))
		i++;
	if (i == sizeof(hooks) / sizeof(*hooks))
		return error_set(note, ENOENT,
				 "not installed, neither for dracut nor initramfs-tools nor "
				 "mkinitcpio");
	if (stat_image(preflight, image, sizeof(image), &of_image)) {
		error_set(note, 0, "installed for %s; no initramfs of this kernel in /boot to see",
			  hooks[i].system);
		return PREFLIGHT_DOUBT;
	}
	if (of_image.st_mtim.tv_sec < of_hook.st_ctim.tv_sec)
		return error_set(note, ESTALE, "%s is older than kjump's hook for %s", image,
				 hooks[i].system);
	error_set(note, 0, "%s, made after the hook for %s was installed", image, hooks[i].system);
	return 0;
}
