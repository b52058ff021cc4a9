/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of what is kept from one run to the next.
 */
#include "kjump/paths.h"

#include <errno.h>
#include <sys/stat.h>

int paths_make_run(struct error *err)
{
	if (mkdir(PATH_RUN, 0700) && errno != EEXIST)
		return error_errno(err, PATH_RUN);
	return 0;
}
