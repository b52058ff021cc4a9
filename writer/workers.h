/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads that read, compress and write memory.
 */
#ifndef WRITER_WORKERS_H
#define WRITER_WORKERS_H

#include "common/error.h"
#include "common/runs.h"
#include "image/image.h"
#include "writer/delta.h"
#include "writer/job.h"

/*
 * Write every frame of DELTA's selection that is not all zero, but for those that its base has as
 * they are; append the others to ZERO, sorted and merged. The first error stops all threads and is
 * returned.
 */
int workers_run(const struct save_job *job, struct delta *delta, struct image_writer *writer,
		struct runs *zero, struct error *err);

#endif
