/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump unload: give kernel B's memory back.
 */
#include <stdio.h>

#include "jump/jump.h"
#include "kjump/load/loader.h"
#include "kjump/options.h"

static int run(const struct options *options)
{
	struct error err = { 0 };
	bool loaded = jump_loaded();

	if (loader_lock(&err) || loader_drop(&err)) {
		message("%s; nothing was unloaded", err.text);
		return EXIT_FAILED;
	}
	if (!options->quiet)
		puts(loaded ? "kernel B unloaded" : "no kernel B was loaded");
	return EXIT_DONE;
}

const struct command cmd_unload = {
	.name = "unload",
	.summary = "drop kernel B and give its memory back",
	.operands = "",
	.about = "Drop whatever is loaded for kexec, and the mailbox.",
	.accepts = TAKES(QUIET),
	.run = run,
};
