/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of boot loaders (UAPI.1), which systemd-boot reads, and GRUB where it is built for them;
 * and /etc/kernel/cmdline, which those of later kernels and unified images get.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "kjump/setup/change.h"
#include "kjump/setup/place.h"
#include "kjump/setup/remake.h"
#include "kjump/setup/setup.h"

#define CMDLINE "/etc/kernel/cmdline"

static const char *const folders[] = { "/boot", "/efi", "/boot/efi" };
#define FOLDER_COUNT (sizeof(folders) / sizeof(*folders))

int setup_kernel_cmdline(struct setup *setup, struct error *err)
{
	int ret;

	if (!setup_has(setup, CMDLINE))
		return 0;
	ret = change_text(setup, CMDLINE, &edit_cmdline, setup->word, NULL, setup->word, err);
	return ret < 0 ? ret : 0;
}

/* Does the entry boot a Linux with options of its own? 1 or 0, or a negative errno value. */
static int is_linux(const char *path, struct error *err)
{
	char *text;
	int ret = place_read(path, &text, err);

	if (ret)
		return ret;
	ret = !strncmp(text, "linux", 5) || strstr(text, "\nlinux") ||
	      !strncmp(text, "options", 7) || strstr(text, "\noptions");
	free(text);
	return ret;
}

/* Of a rescue image, which is for when nothing else boots. */
static bool is_rescue(const char *path)
{
	return strstr(strrchr(path, '/'), "-rescue") != NULL;
}

static int change_entry(void *context, const char *full, struct error *err)
{
	struct setup *setup = context;
	int ret = is_rescue(full) ? 0 : is_linux(full, err);

	if (ret <= 0)
		return ret;
	ret = change_text(setup, full + strlen(setup->root), &edit_entry, setup->word, NULL,
			  setup->word, err);
	setup->loaders++;
	return ret < 0 ? ret : 0;
}

/* Call VISIT with the path of each entry. */
static int each_entry(const struct setup *setup,
		      int (*visit)(void *context, const char *full, struct error *err),
		      void *context, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; i < FOLDER_COUNT && !ret; i++) {
		char path[64], pattern[SETUP_PATH];
		glob_t found = { 0 };

		snprintf(path, sizeof(path), "%s/loader/entries/*.conf", folders[i]);
		glob(setup_path(setup, path, pattern), 0, NULL, &found);
		for (size_t k = 0; k < found.gl_pathc && !ret; k++)
			ret = visit(context, found.gl_pathv[k], err);
		globfree(&found);
	}
	return ret;
}

int setup_entries(struct setup *setup, struct error *err)
{
	return each_entry(setup, change_entry, setup, err);
}

struct drop {
	const struct setup *setup;
	const char *word;
};

static int drop_from(void *context, const char *full, struct error *err)
{
	const struct drop *drop = context;
	char *old = NULL, *new = NULL;
	int ret = place_read(full, &old, err);

	if (!ret && strstr(old, drop->word))
		ret = edit_entry.apply(old, drop->word, false, &new, err);
	if (!ret && new != NULL && strcmp(old, new)) {
		ret = place_text(full, new, err);
		if (!ret)
			fprintf(drop->setup->out, "%s: %s is out of it\n",
				full + strlen(drop->setup->root), drop->word);
	}
	free(old);
	free(new);
	return ret ? error_prefix(err, "%s: %s", full, drop->word) : 0;
}

int entries_drop(const struct setup *setup, const char *word, struct error *err)
{
	struct drop drop = { setup, word };

	return each_entry(setup, drop_from, &drop, err);
}
