/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that are a file each. */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kjump/check/generator.h"
#include "kjump/check/mkinitcpio.h"
#include "kjump/config.h"
#include "kjump/paths.h"
#include "kjump/setup/change.h"
#include "kjump/setup/setup.h"

#define UNIT   "kjump-boot-on.service"
#define WANTED "/etc/systemd/system/sysinit.target.wants/" UNIT
#define WRITER "writer"

int setup_configuration(struct setup *setup, struct error *err)
{
	char full[SETUP_PATH], what[160];
	struct config config;
	int ret;

	config_default(&config);
	ret = config_read(&config, setup_path(setup, PATH_CONFIG, full), err);
	if (ret && ret != -ENOENT)
		return ret;
	snprintf(what, sizeof(what), "target = %s", setup->spec);
	ret = change_text(setup, PATH_CONFIG, &edit_target, setup->spec, "", what, err);
	setup->images_due |= ret > 0;
	return ret < 0 ? ret : 0;
}

/* Is the initramfs IMAGE older than the modules of its kernel, or not there? */
static bool is_due(const char *image, const char *modules)
{
	struct stat made, from;

	return stat(image, &made) ||
	       (!stat(modules, &from) && made.st_mtim.tv_sec < from.st_mtim.tv_sec);
}

static int make_writer(struct setup *setup, const char *release, struct error *err)
{
	char image[SETUP_PATH], path[SETUP_PATH], modules[SETUP_PATH];
	int ret;

	snprintf(path, sizeof(path), "/var/lib/kjump/initramfs-%.200s.img", release);
	setup_path(setup, path, image);
	snprintf(path, sizeof(path), PATH_LIB_MODULES "/%.200s/modules.dep", release);
	if (!is_due(image, setup_path(setup, path, modules)))
		return 0;
	change_say(setup, image, "kernel B's initramfs");
	if (setup->dry_run)
		return 0;
	ret = change_keep(setup, image, WRITER, err);
	if (!ret)
		ret = change_run(
			setup,
			(const char *const[]){ PATH_UPDATE_INITRAMFS, "--quiet", release, NULL },
			err);
	if (!ret && is_due(image, modules))
		ret = error_set(err, EIO, "%s was not made", image);
	return ret ? ret : change_made(setup, image, err);
}

/* For each kernel that is installed, as updates of kernels do. */
int setup_writer(struct setup *setup, struct error *err)
{
	char pattern[SETUP_PATH];
	glob_t found = { 0 };
	int ret = 0;

	if (!setup_has(setup, PATH_UPDATE_INITRAMFS))
		return error_set(err, ENOENT,
				 PATH_UPDATE_INITRAMFS ": not there; is kjump installed?");
	glob(setup_path(setup, PATH_LIB_MODULES "/*/kernel", pattern), 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc && !ret; i++) {
		char release[SETUP_PATH], *end;

		snprintf(release, sizeof(release), "%s",
			 found.gl_pathv[i] + strlen(setup->root) + strlen(PATH_LIB_MODULES) + 1);
		end = strchr(release, '/');
		if (end)
			*end = '\0';
		ret = make_writer(setup, release, err);
	}
	globfree(&found);
	return ret;
}

int setup_hook(struct setup *setup, struct error *err)
{
	const char *generator = generator_in_use(setup->root);
	int ret = 0;

	if (!generator) {
		setup_todo(setup, "neither dracut nor initramfs-tools nor mkinitcpio makes the "
				  "initramfs here; put the hook into it by hand");
		return 0;
	}
	if (!generator_has_hook(setup->root, generator)) {
		setup_todo(setup,
			   "no hook for %s: install the package kjump-%s, or 'make install-%s'; "
			   "then 'kjump setup' again",
			   generator, generator, generator);
		return 0;
	}
	if (!strcmp(generator, "mkinitcpio") && hooks_configured(setup->root) != HOOKS_WITH)
		ret = change_text(setup, PATH_MKINITCPIO, &edit_hooks, "kjump", NULL,
				  "kjump in HOOKS", err);
	setup->images_due |= ret > 0;
	return ret < 0 ? ret : 0;
}

/* As `systemctl enable` does. */
int setup_unit(struct setup *setup, struct error *err)
{
	static const char *const units[] = { "/usr/lib/systemd/system/" UNIT,
					     "/lib/systemd/system/" UNIT,
					     "/usr/local/lib/systemd/system/" UNIT, NULL };
	const char *unit = change_program(setup, units);
	int ret;

	if (!unit)
		return 0;
	ret = change_link(setup, WANTED, unit, err);
	if (ret > 0 && !setup->dry_run && !*setup->root && !access("/run/systemd/system", F_OK))
		return change_run(
			setup, (const char *const[]){ "/usr/bin/systemctl", "daemon-reload", NULL },
			err);
	return ret < 0 ? ret : 0;
}
