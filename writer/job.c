/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a save is done, and how it stays in touch with those who wait for it. */
#include "writer/job.h"

#include <errno.h>
#include <unistd.h>

int save_job_stopped(const struct save_job *job, struct error *err)
{
	if (job->guard)
		guard_feed(job->guard);
	return job->stop && atomic_load(job->stop) ? error_set(err, ECANCELED, "aborted") : 0;
}

unsigned save_job_workers(unsigned wanted)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned most = cpus < 1 ? 1 : cpus < SAVE_WORKERS_MAX ? (unsigned)cpus : SAVE_WORKERS_MAX;

	return wanted && wanted < most ? wanted : most;
}
