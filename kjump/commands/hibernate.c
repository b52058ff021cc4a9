/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump hibernate: save the running system and power off; goes on when it was restored.
 */
#include "common/signals.h"
#include "kjump/save/save.h"

static int run(const struct options *options)
{
	/* What has begun is ended, whoever reads of it. */
	signals_ignore_pipe();
	return save_system(options, OP_HIBERNATE);
}

const struct command cmd_hibernate = {
	.name = "hibernate",
	.summary = "save the running system and power off",
	.operands = "",
	.about = "Save the running system on the target and power off. Returns when the system\n"
		 "was restored, or when saving failed. With --suspend the machine is suspended to\n"
		 "RAM with the image on the target, which is given up when it wakes up.",
	.accepts = TAKES_SAVE | TAKES(ANYWAY) | TAKES(LOGIND) | TAKES(SUSPEND),
	.run = run,
};
