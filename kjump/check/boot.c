/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of what the next boot needs to restore an image.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/disk.h"
#include "kjump/check/checks.h"
#include "kjump/check/generator.h"
#include "kjump/check/images.h"
#include "kjump/check/initramfs.h"
#include "kjump/check/mkinitcpio.h"
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

/* Is it a name that a disk has by the order in which disks were found? */
static bool may_change(const char *spec)
{
	return !strncmp(spec, "/dev/", 5) && !strchr(spec + 5, '/');
}

/*
 * The parameter as the running kernel or its initramfs has it (dracut reads files of its own, and
 * the hook says what it found): the next boot has normally the same.
 */
static int read_parameter(struct preflight *preflight, char *spec, size_t size, struct error *note)
{
	char path[CHECK_PATH_SIZE], cmdline[CMDLINE_READ_SIZE];
	struct error absent = { 0 };
	int ret;

	check_path(preflight, PATH_CMDLINE, path, sizeof(path));
	ret = file_read(path, cmdline, sizeof(cmdline), note);
	if (ret)
		return ret;
	if (!cmdline_parameter(cmdline, "rd.kjump.resume", spec, size) &&
	    file_read(check_path(preflight, PATH_BOOT_TARGET, path, sizeof(path)), spec, size,
		      &absent))
		return error_set(note, ENOENT,
				 "no rd.kjump.resume= on the command line of the running kernel");
	return 0;
}

/* Will the hook restore nothing? As kjump_switched_off() of boot/kjump-parameters.sh has it. */
static bool is_switched_off(const struct preflight *preflight)
{
	char path[CHECK_PATH_SIZE], cmdline[CMDLINE_READ_SIZE], value[CMDLINE_READ_SIZE];
	struct error ignored = { 0 };

	if (!file_read(check_path(preflight, PATH_BOOT_OFF, path, sizeof(path)), value,
		       sizeof(value), &ignored) &&
	    *value)
		return true;
	if (file_read(check_path(preflight, PATH_CMDLINE, path, sizeof(path)), cmdline,
		      sizeof(cmdline), &ignored))
		return false;
	if (cmdline_parameter(cmdline, "noresume", value, sizeof(value)) && !cmdline_is_no(value))
		return true;
	return cmdline_parameter(cmdline, "rd.kjump", value, sizeof(value)) && cmdline_is_no(value);
}

/* Is SPEC, which leads to DEVICE, the target? A file is only where it lies. */
static bool is_target(const struct preflight *preflight, const char *spec, const char *device)
{
	char holder[128], expected[128];
	uint64_t place, own = 0;
	bool file = disk_spec_is_file(spec, holder, sizeof(holder), &place);

	if (file != (*preflight->file.path != '\0') ||
	    !same_device(device, preflight_node(preflight)))
		return false;
	return !file ||
	       (disk_spec_is_file(preflight->file.spec, expected, sizeof(expected), &own) &&
		own == place);
}

#define OTHER_DEVICE_ADVICE                                                                        \
	"let rd.kjump.resume= on the kernel command line and target in /etc/kjump.conf name the "  \
	"same device"

int check_parameter(struct preflight *preflight, struct error *note)
{
	char spec[256], device[sizeof(preflight->disk.name)];
	int ret = read_parameter(preflight, spec, sizeof(spec), note);

	if (!ret && is_switched_off(preflight)) {
		preflight->advice = "take noresume and rd.kjump=0 off the kernel command line";
		return error_set(note, ECANCELED,
				 "rd.kjump.resume=%s, but restoring was switched off for this boot",
				 spec);
	}
	if (!ret)
		ret = disk_find(spec, device, sizeof(device), note);
	if (ret && ret != -ENOENT)
		preflight->advice = OTHER_DEVICE_ADVICE;
	if (ret == -ENODEV)
		return error_prefix(note, "rd.kjump.resume");
	if (ret)
		return ret;
	if (*preflight->disk.name && !is_target(preflight, spec, device)) {
		preflight->advice = OTHER_DEVICE_ADVICE;
		return error_set(note, EINVAL, "rd.kjump.resume=%s is %s, the target is %s%s%s",
				 spec, device, preflight->disk.name,
				 *preflight->file.path ? ", which is " : "", preflight->file.spec);
	}
	error_set(note, 0, "rd.kjump.resume=%s", spec);
	if (!may_change(spec))
		return 0;
	error_set(note, 0,
		  "rd.kjump.resume=%s is another disk when they are found in another order; name "
		  "it by UUID=",
		  spec);
	return PREFLIGHT_DOUBT;
}

#define LEFT_OUT "HOOKS in " PATH_MKINITCPIO " lacks kjump"

static bool is_there(const struct preflight *preflight, const char *name)
{
	char path[CHECK_PATH_SIZE];

	return !access(check_path(preflight, name, path, sizeof(path)), F_OK);
}

/* Is it mkinitcpio that makes the images? Arch's package brings the hooks for dracut as well. */
static bool by_mkinitcpio(const struct preflight *preflight)
{
	const char *system = generator_with_hook(preflight->root);

	return !system || !strcmp(system, "mkinitcpio") ||
	       (is_there(preflight, "/usr/bin/mkinitcpio") &&
		!is_there(preflight, "/usr/bin/dracut"));
}

/* Is mkinitcpio told to leave the hook out? */
static bool left_out(const struct preflight *preflight)
{
	return by_mkinitcpio(preflight) && hooks_configured(preflight->root) == HOOKS_WITHOUT;
}

/* One image that may boot next: what does it hold? */
static int check_image(struct preflight *preflight, const char *path, struct error *note)
{
	const char *system = generator_with_hook(preflight->root);
	struct initramfs *content = calloc(1, sizeof(*content));
	struct error ignored = { 0 };
	char spec[256];
	int ret;

	if (!content)
		return error_set(note, ENOMEM, "out of memory");
	ret = initramfs_look(path, content, note);
	if (ret == -ENODATA || ret == -EUCLEAN) {
		/* The kernel would not get further. */
		note->code = ESTALE;
		ret = -ESTALE;
	} else if (ret == -EACCES) {
		ret = check_closed(note, path);
	} else if (ret) {
		ret = PREFLIGHT_DOUBT;
	} else if (!content->restorer || !content->hooks) {
		ret = error_set(note, ESTALE, "%s: %s is not in it%s%s%s%s", path,
				content->restorer ? "kjump-core.sh" : "kjump-restore",
				system ? ", though the hook for " : "", system ? system : "",
				system ? " is installed" : ", nor is a hook installed",
				left_out(preflight) ? "; " LEFT_OUT : "");
	} else if (*content->targets && !read_parameter(preflight, spec, sizeof(spec), &ignored) &&
		   !initramfs_lists(content, spec) &&
		   !initramfs_lists(content, preflight->config->target)) {
		error_set(note, 0, "%s was made for another target; make it anew", path);
		ret = PREFLIGHT_DOUBT;
	}
	free(content);
	return ret;
}

/* The present image has what the next one that is made will lack. */
static int still_there(struct error *note)
{
	error_set(note, 0, LEFT_OUT ", and so will the next image that is made");
	return PREFLIGHT_DOUBT;
}

/*
 * Nothing but the next boot shows which image it takes: that of the running kernel and the one that
 * was made last are looked into. A boot's hook leaves a trace, which counts where no image is
 * found or can be read.
 */
int check_hook(struct preflight *preflight, struct error *note)
{
	char path[CHECK_PATH_SIZE], images[IMAGES_MAX][CHECK_PATH_SIZE];
	bool had_hook = !access(check_path(preflight, PATH_BOOT_HOOK, path, sizeof(path)), F_OK);
	size_t count = images_that_boot(preflight, images);
	struct error first = { 0 };
	int worst = 0;

	for (size_t i = 0; i < count; i++) {
		struct error found = { 0 };
		int ret = check_image(preflight, images[i], &found);

		if (!ret || (worst && (worst < 0 || ret > 0)))
			continue;
		worst = ret;
		first = found;
	}
	if (worst < 0 || (worst && !had_hook)) {
		*note = first;
		return worst;
	}
	if (left_out(preflight))
		return count || had_hook ? still_there(note)
					 : error_set(note, ESTALE, "%s", LEFT_OUT);
	if (!count && !had_hook) {
		const char *system = generator_with_hook(preflight->root);

		if (!system)
			return error_set(note, ENOENT,
					 "not installed, neither for dracut nor initramfs-tools "
					 "nor mkinitcpio");
		return error_set(note, ESTALE,
				 "installed for %s, but this boot did not have it, and no "
				 "initramfs is found to look into",
				 system);
	}
	if (worst) {
		error_set(note, 0, "this boot had it; %.180s", first.text);
		return worst;
	}
	error_set(note, 0, "%s%s%s", count ? "in " : "", count ? images[0] : "",
		  had_hook ? (count ? ", and this boot had it" : "this boot had it") : "");
	return 0;
}
