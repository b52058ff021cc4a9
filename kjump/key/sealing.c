/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kjump/key/sealing.h"

#include <errno.h>
#include <sys/stat.h>

bool sealing_wanted(const struct config *config, const char *sender)
{
	struct stat st;

	if (config->seal != SEAL_AUTO)
		return config->seal == SEAL_YES;
	return !lstat(sender, &st) || (errno != ENOENT && errno != ENOTDIR);
}
