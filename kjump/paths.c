/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of what is kept from one run to the next.
 */
#include "kjump/paths.h"

#include <errno.h>
#include <sys/stat.h>

int paths_make_run(struct error *err)
{
	/* Everybody may know what is there; what is nobody's business is closed by itself. */
	if (mkdir(PATH_RUN, 0755) && errno != EEXIST)
		return error_errno(err, PATH_RUN);
	if (chmod(PATH_RUN, 0755))
		return error_errno(err, PATH_RUN);
	return 0;
}
