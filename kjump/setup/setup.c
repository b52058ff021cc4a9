/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/setup/setup.h"

#include <errno.h>
#include <string.h>

#include "common/signals.h"
#include "kjump/paths.h"
#include "text/cmdline.h"
#include "text/files.h"

/*
 * What goes into images before these are made; the parameter last, when all that it needs is there.
 */
const struct setup_step setup_steps[] = {
	{ "configuration", setup_configuration },
	{ "kernel B's initramfs", setup_writer },
	{ "initramfs hook", setup_hook },
	{ "kernel command line", setup_kernel_cmdline },
	{ "initramfs images", setup_images },
	{ "boot loader entries", setup_entries },
	{ "GRUB", setup_grub },
	{ "units", setup_unit },
	{ NULL, NULL },
};

/* Has the running kernel the parameter, from whatever boots it? */
static bool is_booted_with(const struct setup *setup)
{
	char path[SETUP_PATH], cmdline[CMDLINE_READ_SIZE], spec[128];
	struct error ignored = { 0 };

	return !file_read(setup_path(setup, PATH_CMDLINE, path), cmdline, sizeof(cmdline),
			  &ignored) &&
	       cmdline_parameter(cmdline, PARAMETER, spec, sizeof(spec)) &&
	       !strcmp(spec, setup->spec);
}

int setup_roll_back(struct setup *setup, struct error *err)
{
	struct error why = { 0 };
	const struct error cause = *err;

	if (setup->journal.count == setup->start)
		return error_set(err, cause.code, "%s; nothing was changed", cause.text);
	if (setup_undo(setup, setup->start, &why))
		return error_set(err, cause.code,
				 "%.120s; not all could be put back (%.60s); 'kjump setup --undo' "
				 "tries again",
				 cause.text, why.text);
	return error_set(err, cause.code, "%.200s; all was put back", cause.text);
}

static int stopped(struct error *err)
{
	return signals_waiting() ? error_set(err, ECANCELED, "stopped") : 0;
}

int setup_run(struct setup *setup, const char *spec, struct error *err)
{
	if (!setup->dry_run && journal_lock(&setup->journal, err))
		return setup_roll_back(setup, err);
	snprintf(setup->spec, sizeof(setup->spec), "%s", spec);
	snprintf(setup->word, sizeof(setup->word), PARAMETER "=%s", spec);
	for (const struct setup_step *step = setup_steps; step->name; step++) {
		if (stopped(err) || step->run(setup, err))
			return setup_roll_back(setup, err);
	}
	if (stopped(err))
		return setup_roll_back(setup, err);
	if (!setup->loaders && !is_booted_with(setup))
		setup_todo(setup,
			   "no boot loader that kjump knows: add %s to the kernel command "
			   "line by hand",
			   setup->word);
	return 0;
}
