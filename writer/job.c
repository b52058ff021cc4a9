/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a save stays in touch with those who wait for it. */
#include "writer/job.h"

#include <errno.h>

int save_job_stopped(const struct save_job *job, struct error *err)
{
	if (job->guard)
		guard_feed(job->guard);
	return job->stop && atomic_load(job->stop) ? error_set(err, ECANCELED, "aborted") : 0;
}
