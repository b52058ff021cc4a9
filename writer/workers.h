/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads that read, compress and write memory.
 */
#ifndef WRITER_WORKERS_H
#define WRITER_WORKERS_H

#include "common/error.h"
#include "common/runs.h"
#include "image/image.h"
#include "writer/job.h"
#include "writer/selection.h"

/*
 * Write every frame of selection->save that is not all zero; append the others to ZERO, sorted and
 * merged. The first error stops all threads and is returned.
 */
int workers_run(const struct save_job *job, const struct selection *selection,
		struct image_writer *writer, struct runs *zero, struct error *err);

#endif
