/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system's initramfs images made anew, with kjump's hook in them, by whoever makes them here;
 * unified kernel images with them, which hold the parameter as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jump/pe.h"
#include "kjump/check/generator.h"
#include "kjump/check/images.h"
#include "kjump/check/initramfs.h"
#include "kjump/key/container.h"
#include "kjump/paths.h"
#include "kjump/setup/change.h"
#include "kjump/setup/place.h"
#include "kjump/setup/remake.h"
#include "kjump/setup/setup.h"
#include "kjump/setup/words.h"

#define IMAGES_ALL 64
#define UNIFIED	   ".efi"

struct images {
	char path[IMAGES_ALL][SETUP_PATH];
	size_t count;
	bool too_many;
};

static void list(void *context, const char *path, const struct stat *status)
{
	struct images *images = context;

	(void)status;
	if (images->count == IMAGES_ALL || strlen(path) >= SETUP_PATH)
		images->too_many = true;
	else
		strcpy(images->path[images->count++], path);
}

static bool is_unified(const char *path)
{
	size_t length = strlen(path), end = strlen(UNIFIED);

	return length > end && !strcmp(path + length - end, UNIFIED);
}

/* Does the unified image have the parameter? */
static bool has_word(const char *path, const char *word)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[4096];
	bool has = fd >= 0 && pe_section_text(fd, ".cmdline", text, sizeof(text)) &&
		   strstr(text, word);

	if (fd >= 0)
		close(fd);
	return has;
}

/* One that does not know its target was made after somebody said which it is. */
static bool knows_target(const struct setup *setup, const char *path,
			 const struct initramfs *content)
{
	char file[SETUP_PATH];
	struct stat image, settings;

	if (*content->targets)
		return initramfs_lists(content, setup->spec);
	return !stat(path, &image) && !stat(setup_path(setup, PATH_CONFIG, file), &settings) &&
	       image.st_mtim.tv_sec >= settings.st_mtim.tv_sec;
}

/* Is the key of sealed images, if there is one, in the image as it is now? */
static bool knows_key(const struct setup *setup, const struct initramfs *content)
{
	char path[SETUP_PATH];
	struct error ignored = { 0 };
	struct container ours;

	if (container_read(setup_path(setup, PATH_KEY, path), &ours, &ignored))
		return true;
	return content->has_container && !strcmp(content->container.uuid, ours.uuid) &&
	       content->container.changes == ours.changes;
}

/* Would the image at PATH restore? */
static int look(const struct setup *setup, const char *path, struct error *err)
{
	struct initramfs *content = calloc(1, sizeof(*content));
	int ret;

	if (!content)
		return error_set(err, ENOMEM, "out of memory");
	ret = initramfs_look(path, content, err);
	if (!ret && (!content->restorer || !content->hooks))
		ret = error_set(err, ESTALE, "%s: without kjump's hook", path);
	else if (!ret && !knows_target(setup, path, content))
		ret = error_set(err, ESTALE, "%s: made for another target", path);
	else if (!ret && !knows_key(setup, content))
		ret = error_set(err, ESTALE, "%s: without the key of sealed images", path);
	else if (!ret && is_unified(path) && !has_word(path, setup->word))
		ret = error_set(err, ESTALE, "%s: without %s", path, setup->word);
	free(content);
	return ret;
}

/* The same of all that may boot next. */
static int look_at_all(const struct setup *setup, size_t *count, struct error *err)
{
	const struct preflight place = { .root = setup->root };
	char path[IMAGES_MAX][CHECK_PATH_SIZE];
	int ret = 0;

	*count = images_that_boot(&place, path);
	for (size_t i = 0; i < *count && !ret; i++)
		ret = look(setup, path[i], err);
	return ret;
}

/* The kernel whose image PATH (without the root) is, when its modules are there: a part of the
 * name, or the folder. */
static bool release_of(const struct setup *setup, const char *path, char ret[SETUP_PATH])
{
	static const char *const names[] = { "/initrd.img-", "/initramfs-", "/initrd-" };
	const char *base = strrchr(path, '/');
	char modules[SETUP_PATH];

	*ret = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !*ret; i++) {
		if (strncmp(base, names[i], strlen(names[i])))
			continue;
		snprintf(ret, SETUP_PATH, "%.200s", base + strlen(names[i]));
		if (i == 1 && strlen(ret) > 4 && !strcmp(ret + strlen(ret) - 4, ".img"))
			ret[strlen(ret) - 4] = '\0';
	}
	if (!*ret && base > path) {
		const char *folder = base;

		while (folder > path && folder[-1] != '/')
			folder--;
		snprintf(ret, SETUP_PATH, "%.*s", (int)(base - folder), folder);
	}
	snprintf(modules, sizeof(modules), PATH_LIB_MODULES "/%.200s/modules.dep", ret);
	return *ret && setup_has(setup, modules);
}

/* Beside the old one, looked at, and only then put in its place. */
static int dracut_one(struct setup *setup, const char *full, bool note, struct error *err)
{
	char release[SETUP_PATH], beside[PLACE_SIZE];
	struct stat status;
	int ret;

	if (is_unified(full) || !release_of(setup, full + strlen(setup->root), release))
		return 0;
	place_beside(full, beside);
	ret = note ? change_keep(setup, full, MAKER_IMAGES, err) : 0;
	if (!ret)
		ret = change_run(setup,
				 (const char *const[]){ "/usr/bin/dracut", "--force", beside,
							release, NULL },
				 err);
	if (!ret && (stat(beside, &status) || !status.st_size))
		ret = error_set(err, EIO, "dracut made no image for %s", release);
	if (!ret && note)
		ret = look(setup, beside, err);
	if (!ret)
		ret = place_move(full, err);
	if (!ret && note)
		return change_made(setup, full, err);
	if (ret)
		unlink(beside);
	return ret;
}

static int by_dracut(struct setup *setup, const struct images *images, bool note, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; i < images->count && !ret; i++)
		ret = dracut_one(setup, images->path[i], note, err);
	return ret;
}

/* What update-initramfs leaves when it is ended. */
static void forget_parts(const char *full)
{
	static const char *const ends[] = { ".new", ".dpkg-bak" };
	char path[SETUP_PATH + 16];

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		snprintf(path, sizeof(path), "%s%s", full, ends[i]);
		unlink(path);
	}
}

static int run_tools(struct setup *setup, const struct images *images, struct error *err)
{
	char release[SETUP_PATH];
	int ret = 0;

	for (size_t i = 0; i < images->count && !ret; i++) {
		const char *path = images->path[i] + strlen(setup->root);

		if (strncmp(path, "/boot/initrd.img-", 17) || !release_of(setup, path, release))
			continue;
		ret = change_run(setup,
				 (const char *const[]){ "/usr/sbin/update-initramfs", "-u", "-k",
							release, NULL },
				 err);
		if (ret == -ECANCELED)
			forget_parts(images->path[i]);
	}
	return ret;
}

static int run_mkinitcpio(struct setup *setup, const struct images *images, struct error *err)
{
	(void)images;
	return change_run(setup, (const char *const[]){ "/usr/bin/mkinitcpio", "-P", NULL }, err);
}

/* The unified images of kernels that are installed. */
static int run_kernel_install(struct setup *setup, const struct images *images, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; i < images->count && !ret; i++) {
		int fd = is_unified(images->path[i]) ? open(images->path[i], O_RDONLY | O_CLOEXEC)
						     : -1;
		char release[128] = "", kernel[SETUP_PATH];

		if (fd >= 0) {
			pe_section_text(fd, ".uname", release, sizeof(release));
			close(fd);
		}
		snprintf(kernel, sizeof(kernel), PATH_LIB_MODULES "/%s/vmlinuz", release);
		if (*release && !setup_has(setup, kernel))
			snprintf(kernel, sizeof(kernel), PATH_BOOT "/vmlinuz-%s", release);
		if (*release && setup_has(setup, kernel))
			ret = change_run(setup,
					 (const char *const[]){ "/usr/bin/kernel-install", "add",
								release, kernel, NULL },
					 err);
	}
	return ret;
}

typedef int (*image_runner)(struct setup *setup, const struct images *images, struct error *err);

/* By a program that puts them in place itself: kept before, and looked at behind. */
static int in_place(struct setup *setup, const struct images *images, image_runner run, bool note,
		    struct error *err)
{
	struct stat status;
	int ret = 0;

	for (size_t i = 0; note && i < images->count && !ret; i++)
		ret = change_keep(setup, images->path[i], MAKER_IMAGES, err);
	if (!ret)
		ret = run(setup, images, err);
	for (size_t i = 0; i < images->count && !ret; i++) {
		if (stat(images->path[i], &status) || !status.st_size)
			ret = error_set(err, EIO, "%s: came out empty", images->path[i]);
		else if (note)
			ret = change_made(setup, images->path[i], err);
	}
	return ret;
}

static bool any_unified(const struct images *images)
{
	for (size_t i = 0; i < images->count; i++)
		if (is_unified(images->path[i]))
			return true;
	return false;
}

/* NOTE: as a change that can be taken back; else because it is taken back. */
static int make(struct setup *setup, bool note, struct error *err)
{
	const char *generator = generator_in_use(setup->root);
	struct images *images = calloc(1, sizeof(*images));
	int ret;

	if (!images)
		return error_set(err, ENOMEM, "out of memory");
	images_each(setup->root, list, images);
	if (images->too_many)
		ret = error_set(err, E2BIG, "more than %d initramfs images", IMAGES_ALL);
	else if (!generator)
		ret = error_set(err, ENOENT, "nobody is known who makes initramfs images here");
	else if (!strcmp(generator, "mkinitcpio"))
		ret = in_place(setup, images, run_mkinitcpio, note, err);
	else if (any_unified(images) && setup_has(setup, "/usr/bin/kernel-install"))
		ret = in_place(setup, images, run_kernel_install, note, err);
	else if (!strcmp(generator, "dracut"))
		ret = by_dracut(setup, images, note, err);
	else
		ret = in_place(setup, images, run_tools, note, err);
	free(images);
	return ret;
}

bool images_have(const struct setup *setup, const char *word)
{
	struct images *images = calloc(1, sizeof(*images));
	bool have = false;

	if (images)
		images_each(setup->root, list, images);
	for (size_t i = 0; images && i < images->count && !have; i++)
		have = is_unified(images->path[i]) && has_word(images->path[i], word);
	free(images);
	return have;
}

int images_make(struct setup *setup, struct error *err)
{
	return make(setup, false, err);
}

/* A unified image with the parameter is a boot loader's way to it. */
static void count_unified(struct setup *setup)
{
	struct images *images = calloc(1, sizeof(*images));

	if (images)
		images_each(setup->root, list, images);
	setup->loaders += images && any_unified(images);
	free(images);
}

int setup_images(struct setup *setup, struct error *err)
{
	const char *generator = generator_in_use(setup->root);
	struct error why = { 0 };
	char what[64];
	size_t count;
	int ret = look_at_all(setup, &count, &why);

	if (!generator || !generator_has_hook(setup->root, generator))
		return 0; /* which setup_hook() has said */
	if (!count) {
		setup_todo(setup, "no initramfs is found; make it anew by hand");
		return 0;
	}
	count_unified(setup);
	if (!ret && !setup->images_due)
		return 0;
	snprintf(what, sizeof(what), "initramfs images made anew by %s", generator);
	change_say(setup, NULL, what);
	if (setup->dry_run)
		return 0;
	ret = make(setup, true, err);
	return ret ? ret : look_at_all(setup, &count, err);
}
