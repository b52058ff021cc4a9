/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which initramfs images may boot next.
 */
#include "kjump/check/images.h"

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "text/files.h"

/* Debian; Fedora and Arch; openSUSE; kernel-install; unified images. */
static const char *const patterns[] = {
	"/boot/initrd.img-*",	     "/boot/initramfs-*.img",	  "/boot/initrd-*",
	"/usr/lib/modules/*/initrd", "/lib/modules/*/initrd",	  "/boot/*/*/initrd*",
	"/efi/*/*/initrd*",	     "/boot/efi/*/*/initrd*",	  "/boot/EFI/Linux/*.efi",
	"/efi/EFI/Linux/*.efi",	     "/boot/efi/EFI/Linux/*.efi",
};

/* What nobody boots but for a reason, in which case nobody wants to restore. */
static const char *const others[] = { "fallback", "rescue", "kdump",	 ".old",
				      ".bak",	  ".new",   ".kjump-new" };

static bool is_other(const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (strstr(name, others[i]))
			return true;
	}
	return false;
}

/* What the images of the running kernel have in their paths: its release, on Arch its package. */
struct running {
	char release[80], package[80];
};

static struct running running_kernel(const struct preflight *preflight)
{
	struct running ret = { "", "" };
	char name[160], package[64], path[CHECK_PATH_SIZE];
	struct error ignored = { 0 };
	struct utsname system;

	if (uname(&system))
		return ret;
	snprintf(ret.release, sizeof(ret.release), "%s", system.release);
	snprintf(name, sizeof(name), "/usr/lib/modules/%s/pkgbase", system.release);
	if (!file_read(check_path(preflight, name, path, sizeof(path)), package, sizeof(package),
		       &ignored))
		snprintf(ret.package, sizeof(ret.package), "/initramfs-%s.img", package);
	return ret;
}

static bool belongs_to(const char *path, const struct running *running)
{
	size_t length = strlen(path), package = strlen(running->package);

	if (*running->release && strstr(path, running->release))
		return true;
	return package && length > package && !strcmp(path + length - package, running->package);
}

struct choice {
	char path[CHECK_PATH_SIZE];
	struct stat status;
};

/* Put the image at PATH into CHOICE when it was made later than what is there. */
static void choose(struct choice *choice, const char *path, const struct stat *status)
{
	if (*choice->path && status->st_mtime <= choice->status.st_mtime)
		return;
	snprintf(choice->path, sizeof(choice->path), "%s", path);
	choice->status = *status;
}

void images_each(const char *root, images_action action, void *context)
{
	char pattern[CHECK_PATH_SIZE];

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		glob_t found = { 0 };

		snprintf(pattern, sizeof(pattern), "%s%s", root, patterns[i]);
		glob(pattern, 0, NULL, &found);
		for (size_t k = 0; k < found.gl_pathc; k++) {
			const char *path = found.gl_pathv[k];
			struct stat status;

			if (!is_other(path) && !stat(path, &status) && S_ISREG(status.st_mode))
				action(context, path, &status);
		}
		globfree(&found);
	}
}

struct choices {
	const char *root;
	struct running running;
	struct choice own, last;
};

static void consider(void *context, const char *path, const struct stat *status)
{
	struct choices *choices = context;

	choose(&choices->last, path, status);
	if (belongs_to(path + strlen(choices->root), &choices->running))
		choose(&choices->own, path, status);
}

size_t images_that_boot(const struct preflight *preflight, char ret[IMAGES_MAX][CHECK_PATH_SIZE])
{
	struct choices choices = { .root = preflight->root, .running = running_kernel(preflight) };
	const struct choice *own = &choices.own, *last = &choices.last;
	size_t count = 0;

	images_each(preflight->root, consider, &choices);
	if (*own->path)
		snprintf(ret[count++], CHECK_PATH_SIZE, "%s", own->path);
	if (*last->path && (!*own->path || own->status.st_ino != last->status.st_ino ||
			    own->status.st_dev != last->status.st_dev))
		snprintf(ret[count++], CHECK_PATH_SIZE, "%s", last->path);
	return count;
}
