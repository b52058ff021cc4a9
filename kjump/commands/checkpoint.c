/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump checkpoint: save the running system and go on.
 */
#include "common/signals.h"
#include "kjump/save/save.h"

static int run(const struct options *options)
{
	/* What has begun is ended, whoever reads of it. */
	signals_ignore_pipe();
	return save_system(options, OP_CHECKPOINT);
}

const struct command cmd_checkpoint = {
	.name = "checkpoint",
	.summary = "save the running system and go on",
	.operands = "",
	.about = "Save the running system on the target and go on. Such an image is for\n"
		 "looking at; no boot restores it.",
	.accepts = TAKES_SAVE | TAKES(ANYWAY),
	.run = run,
};
