/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GRUB by grub-mkconfig: a file of its own in /etc/default/grub.d where grub-mkconfig reads that
 * (Debian, Ubuntu), else /etc/default/grub; then grub.cfg anew. With GRUB_ENABLE_BLSCFG (Fedora)
 * the parameters are in the entries (entries.c), and those of kernels to come from here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kjump/setup/change.h"
#include "kjump/setup/place.h"
#include "kjump/setup/remake.h"
#include "kjump/setup/setup.h"

#define SETTINGS "/etc/default/grub"
/* Behind the others, which may set the variable anew. */
#define OWN  "/etc/default/grub.d/zz-kjump.cfg"
#define MADE "grub"

#define OWN_TEXT                                                                                   \
	"# Made by `kjump setup`, which takes it away with --undo: restores a hibernated "         \
	"system.\n"                                                                                \
	"GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX\"\n"

static const char *const programs[] = { "/usr/sbin/grub-mkconfig", "/usr/sbin/grub2-mkconfig",
					"/usr/bin/grub-mkconfig", "/usr/bin/grub2-mkconfig", NULL };
static const char *const configurations[] = { "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", NULL };

/* Does the file PATH have TEXT? */
static bool has_text(const struct setup *setup, const char *path, const char *text)
{
	struct error ignored = { 0 };
	char full[SETUP_PATH], *content;
	bool has;

	if (place_read(setup_path(setup, path, full), &content, &ignored))
		return false;
	has = strstr(content, text) != NULL;
	free(content);
	return has;
}

/* Write it beside, look at it, and only then put it in place. */
int grub_make(struct setup *setup, struct error *err)
{
	const char *program = change_program(setup, programs);
	const char *path = change_program(setup, configurations);
	char full[SETUP_PATH], beside[PLACE_SIZE];
	int ret;

	if (!program || !path)
		return 0;
	place_beside(setup_path(setup, path, full), beside);
	place_forget(full);
	ret = change_run(setup, (const char *const[]){ program, "-o", beside, NULL }, err);
	if (!ret &&
	    (access(beside, F_OK) || !has_text(setup, beside + strlen(setup->root), "linux")))
		ret = error_set(err, EIO, "%s made no usable grub.cfg", program);
	if (!ret && *setup->word && !has_text(setup, beside + strlen(setup->root), setup->word))
		ret = error_set(err, EIO,
				"grub.cfg as %s makes it has no %s; is GRUB_CMDLINE_LINUX set "
				"elsewhere?",
				program, setup->word);
	if (!ret)
		return place_move(full, err);
	place_forget(full);
	return ret;
}

static int make_anew(struct setup *setup, const char *path, struct error *err)
{
	char full[SETUP_PATH];
	int ret;

	change_say(setup, setup_path(setup, path, full), "made anew");
	if (setup->dry_run)
		return 0;
	ret = change_keep(setup, full, MADE, err);
	if (!ret)
		ret = grub_make(setup, err);
	return ret ? ret : change_made(setup, full, err);
}

int setup_grub(struct setup *setup, struct error *err)
{
	const char *program = change_program(setup, programs);
	const char *path = change_program(setup, configurations);
	bool own;
	int ret;

	if (!program || !path || !setup_has(setup, SETTINGS))
		return 0;
	own = has_text(setup, program, "default/grub.d");
	ret = change_text(setup, own ? OWN : SETTINGS, &edit_grub, setup->word,
			  own ? OWN_TEXT : NULL, setup->word, err);
	if (ret < 0)
		return ret;
	if (has_text(setup, path, "blscfg"))
		return 0;
	setup->loaders++;
	return ret || !has_text(setup, path, setup->word) ? make_anew(setup, path, err) : 0;
}
