/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump unload: give kernel B's memory back.
 */
#include <errno.h>
#include <stdio.h>

#include "common/clock.h"
#include "jump/jump.h"
#include "kjump/load/loader.h"
#include "kjump/options.h"

/* How long a shutdown waits for a kjump that is at work. */
#define PATIENCE (10 * CLOCK_SECOND)

static int lock(const struct options *options, struct error *err)
{
	const uint64_t deadline = clock_now() + (options->own ? PATIENCE : 0);
	int ret;

	do {
		ret = loader_lock(err);
	} while (ret == -EBUSY && clock_wait(deadline));
	return ret;
}

static int run(const struct options *options)
{
	struct error err = { 0 };
	bool loaded = jump_loaded();

	if (lock(options, &err) || (options->own ? loader_drop_own(&err) : loader_drop(&err))) {
		message("%s; nothing was unloaded", err.text);
		return EXIT_FAILED;
	}
	if (!options->quiet)
		puts(loaded && !jump_loaded() ? "kernel B unloaded" : "no kernel B was loaded");
	return EXIT_DONE;
}

const struct command cmd_unload = {
	.name = "unload",
	.summary = "drop kernel B and give its memory back",
	.operands = "",
	.about = "Drop whatever is loaded for kexec, and the mailbox.",
	.accepts = TAKES(QUIET) | TAKES(OWN),
	.run = run,
};
