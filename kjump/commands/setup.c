/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump setup: everything that hibernation needs on this system, once, or all of it back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/signals.h"
#include "kjump/check/preflight.h"
#include "kjump/options.h"
#include "kjump/paths.h"
#include "kjump/setup/setup.h"

#define UNDO "'kjump setup --undo' takes it back"

/* Ask for yes; at the end of the input it is no. */
static bool is_wanted(const struct options *options, const char *question)
{
	char answer[16] = "";

	if (options->yes)
		return true;
	printf("%s [y/N] ", question);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

/* The device that is named, that is configured, or the only one that could be. */
static int choose(const struct options *options, char device[256])
{
	size_t count, rooms;

	if (options->file) {
		snprintf(device, 256, "%s",
			 options->operands[0] ? options->operands[0] : SETUP_FILE);
		return EXIT_DONE;
	}
	if (options->operands[0] || *options->config.target) {
		snprintf(device, 256, "%s",
			 options->operands[0] ? options->operands[0] : options->config.target);
		return EXIT_DONE;
	}
	printf("What could hold images:\n");
	count = setup_candidates(stdout, device);
	rooms = setup_rooms(stdout);
	if (!count && rooms)
		message("no free partition, disk or volume is found; 'kjump setup --file' makes "
			"the "
			"file; nothing was changed");
	else if (!count)
		message("no free partition, disk or volume is found, and no room for a file; make "
			"one, or name what may be overwritten with 'kjump format --force'; nothing "
			"was changed");
	else if (count > 1)
		message("more than one device could hold images; name one: 'kjump setup DEVICE'; "
			"nothing was changed");
	return count == 1 ? EXIT_DONE : EXIT_FAILED;
}

/* What is not in order yet. The parameter is there from the next boot on. */
static int check(const struct setup *setup, const struct options *options)
{
	struct config config = options->config;
	struct preflight preflight = { .config = &config, .operation = OP_HIBERNATE, .root = "" };
	const bool colored = color_wanted(options->color, stdout);
	int status = EXIT_DONE;

	snprintf(config.target, sizeof(config.target), "%s", setup->spec);
	for (const struct preflight_check *one = preflight_checks; one->name; one++) {
		struct error note = { 0 };
		int result = preflight_check(one, &preflight, &note);

		if (result >= 0)
			continue;
		if (!strcmp(one->name, "boot parameter") && setup->loaders && result == -ENOENT) {
			puts("-> restart once: the running kernel was started without " PARAMETER
			     "=");
			continue;
		}
		printf("%sproblem%s  %s: %s\n         -> %s\n", color_begin(colored, COLOR_BAD),
		       color_end(colored), one->name, note.text, preflight.advice);
		status = EXIT_FAILED;
	}
	return status;
}

static int finish(const struct setup *setup, const struct options *options)
{
	int status;

	if (options->dry_run) {
		printf("%u change%s to be made; nothing was changed\n", setup->changes,
		       setup->changes == 1 ? "" : "s");
		return EXIT_DONE;
	}
	if (setup->changes)
		printf("%u change%s made; " UNDO "\n", setup->changes,
		       setup->changes == 1 ? "" : "s");
	else
		puts("all is set up already");
	signals_release();
	status = check(setup, options);
	return setup->todo ? EXIT_FAILED : status;
}

static int failed(const struct error *err)
{
	message("%s", err->text);
	return err->code == ECANCELED ? EXIT_ABORTED : EXIT_FAILED;
}

static int set_up(struct setup *setup, const struct options *options, struct error *err)
{
	char device[256], question[320], spec[128];
	int status = choose(options, device);

	if (status)
		return status;
	snprintf(question, sizeof(question), "Set this system up to hibernate to %s?", device);
	if (!options->dry_run && !is_wanted(options, question)) {
		message("not wanted; nothing was changed");
		return EXIT_FAILED;
	}
	signals_hold();
	if (!options->dry_run && journal_lock(&setup->journal, err)) {
		message("%s; nothing was changed", err->text);
		return EXIT_FAILED;
	}
	setup->start = setup->journal.count;
	if (options->file
		    ? setup_claim_file(setup, device, options->size, options->label, spec, err)
		    : setup_claim(setup, device, options->label, spec, err)) {
		setup_roll_back(setup, err);
		return failed(err);
	}
	if (setup_run(setup, spec, err))
		return failed(err);
	return finish(setup, options);
}

static int undo(struct setup *setup, const struct options *options, struct error *err)
{
	if (!setup->journal.count) {
		puts("nothing to take back");
		return EXIT_DONE;
	}
	if (!is_wanted(options, "Take back all that 'kjump setup' changed?")) {
		message("not wanted; nothing was changed");
		return EXIT_FAILED;
	}
	signals_hold();
	if (journal_lock(&setup->journal, err)) {
		message("%s; nothing was changed", err->text);
		return EXIT_FAILED;
	}
	if (setup_undo(setup, 0, err)) {
		message("not all could be taken back (%s); 'kjump setup --undo' tries again",
			err->text);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

static int run(const struct options *given)
{
	struct options own = *given, *options = &own;
	struct setup setup = { .root = "", .dry_run = options->dry_run, .out = stdout };
	struct error err = { 0 };
	int status = EXIT_FAILED;

	if (options->undo && (options->dry_run || options->file || options->operands[0])) {
		message("setup: --undo takes neither --dry-run nor a device; try 'kjump help "
			"setup'");
		return EXIT_USAGE;
	}
	if (options->size && !options->file) {
		message("setup: --size goes with --file only; try 'kjump help setup'");
		return EXIT_USAGE;
	}
	if (config_read(&own.config, PATH_CONFIG, &err) && err.code != ENOENT) {
		message("%s; nothing was changed", err.text);
		return EXIT_FAILED;
	}
	/* Each change is seen when it is made, wherever this goes. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid() != 0)
		message("setup: only root may do this; nothing was changed");
	else if (journal_open(&setup.journal, "", &err))
		message("%s; nothing was changed", err.text);
	else
		status =
			options->undo ? undo(&setup, options, &err) : set_up(&setup, options, &err);
	journal_close(&setup.journal);
	return status;
}

const struct command cmd_setup = {
	.name = "setup",
	.summary = "set this system up for hibernation, or take that back",
	.operands = "[DEVICE]",
	.about =
		"Set this system up to hibernate to DEVICE (default: the target that is set, or "
		"the\n"
		"only device that is free): claim it, name it in /etc/kjump.conf, make kernel B's\n"
		"initramfs, put the hook into the system's, and rd.kjump.resume= on the kernel\n"
		"command line, by GRUB, loader entries or /etc/kernel/cmdline. Says each change, "
		"asks\n"
		"before the first, makes all of them or none, and ends with what 'kjump check' "
		"finds.\n"
		"What is in order already is left alone. With --file DEVICE is a file, which is "
		"made\n"
		"(default: /var/lib/kjump.img, as large as memory or half of it).",
	.accepts = TAKES(COLOR) | TAKES(DRY_RUN) | TAKES(FILE) | TAKES(LABEL) | TAKES(SIZE) |
		   TAKES(UNDO) | TAKES(YES),
	.operands_max = 1,
	.run = run,
};
