/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/check/generator.h"

#include <glob.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DRACUT	   "dracut"
#define TOOLS	   "initramfs-tools"
#define MKINITCPIO "mkinitcpio"

static bool is_there(const char *root, const char *name)
{
	char path[512];

	return snprintf(path, sizeof(path), "%s%s", root, name) < (int)sizeof(path) &&
	       !access(path, F_OK);
}

/* Where a hook is installed, one of a pair in /etc and /usr, and who makes the initramfs. */
static const struct {
	const char *path, *system;
} hooks[] = {
	{ "/usr/lib/dracut/modules.d/50kjump/module-setup.sh", DRACUT },
	{ "/etc/initramfs-tools/hooks/kjump", TOOLS },
	{ "/usr/share/initramfs-tools/hooks/kjump", TOOLS },
	{ "/etc/initcpio/hooks/kjump", MKINITCPIO },
	{ "/usr/lib/initcpio/hooks/kjump", MKINITCPIO },
};

const char *generator_with_hook(const char *root)
{
	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		if (is_there(root, hooks[i].path))
			return hooks[i].system;
	}
	return NULL;
}

bool generator_has_hook(const char *root, const char *name)
{
	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		if (!strcmp(hooks[i].system, name) && is_there(root, hooks[i].path))
			return true;
	}
	return false;
}

static bool has_presets(const char *root)
{
	char pattern[512];
	glob_t found = { 0 };
	bool has;

	snprintf(pattern, sizeof(pattern), "%s/etc/mkinitcpio.d/*.preset", root);
	has = !glob(pattern, 0, NULL, &found);
	globfree(&found);
	return has;
}

const char *generator_in_use(const char *root)
{
	bool dracut = is_there(root, "/usr/bin/dracut");

	if (is_there(root, "/usr/sbin/update-initramfs") &&
	    is_there(root, "/usr/sbin/mkinitramfs") &&
	    !(dracut && is_there(root, "/etc/kernel/postinst.d/dracut")))
		return TOOLS;
	if (is_there(root, "/usr/bin/mkinitcpio") && (!dracut || has_presets(root)))
		return MKINITCPIO;
	return dracut ? DRACUT : NULL;
}
