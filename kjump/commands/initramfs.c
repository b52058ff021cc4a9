/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump initramfs: make what kernel B runs anew. The work is a script's, which updates of the
 * kernel call as well.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/error.h"
#include "kjump/options.h"
#include "kjump/paths.h"

static int run(const struct options *options)
{
	const char *arguments[] = { PATH_UPDATE_INITRAMFS, NULL, NULL, NULL };
	size_t count = 1;
	struct error err = { 0 };

	if (options->quiet)
		arguments[count++] = "--quiet";
	if (options->operands[0])
		arguments[count++] = options->operands[0];
	execv(arguments[0], (char *const *)arguments);
	error_errno(&err, PATH_UPDATE_INITRAMFS);
	message("%s; no initramfs was made", err.text);
	return EXIT_FAILED;
}

const struct command cmd_initramfs = {
	.name = "initramfs",
	.summary = "make kernel B's initramfs anew",
	.operands = "[RELEASE]",
	.about = "Make kernel B's initramfs anew for the kernel RELEASE (default: the running "
		 "one), with\n"
		 "the drivers that the disks of this machine need now. Installing and updating a "
		 "kernel\n"
		 "does so by itself.",
	.accepts = TAKES(QUIET),
	.operands_max = 1,
	.run = run,
};
