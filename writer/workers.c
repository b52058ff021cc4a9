/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads that read, compress and write memory. They share the place where the next slice
 * begins and the first error; everything else (window, buffer, compression) is each one's own.
 */
#include "writer/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "writer/budget.h"
#include "writer/packer.h"
#include "writer/progress.h"
#include "writer/reuse.h"

struct crew {
	const struct save_job *job;
	const struct selection *selection;
	struct delta *delta;
	struct image_writer *writer;
	struct progress progress;
	struct level_control level;
	pthread_mutex_t lock; /* for what follows */
	struct slice_cursor cursor;
	uint64_t slices;  /* left */
	size_t zero_runs; /* in the lists of all workers, as they said last, and for reuse */
	struct error err; /* of the worker that failed first */
};

struct worker {
	struct crew *crew;
	struct packer packer;
	struct reuse reuse;
	size_t zero_runs; /* of these the crew knows */
	pthread_t thread;
};

/* What the worker's lists have grown by, and what is short now. Called with the lock held. */
static void account(struct crew *crew, struct worker *worker)
{
	size_t runs = worker->packer.zero.n + worker->reuse.runs, limit = crew->job->zero_runs;

	crew->zero_runs += runs - worker->zero_runs;
	worker->zero_runs = runs;
	worker->packer.shortest = budget_shortest(limit, crew->zero_runs, crew->slices);
	worker->reuse.whole_only = limit && crew->zero_runs > limit / 2;
	if (!crew->err.code)
		save_job_stopped(crew->job, &crew->err);
}

/*
 * The next slice, and what is short in it; none are left once a worker has failed, or somebody
 * wants to stop.
 */
static bool crew_next(struct crew *crew, struct worker *worker, struct slice *ret)
{
	bool more;

	pthread_mutex_lock(&crew->lock);
	account(crew, worker);
	more = !crew->err.code && selection_next(crew->selection, &crew->cursor, ret);
	crew->slices -= more;
	pthread_mutex_unlock(&crew->lock);
	return more;
}

/* Does the save go on? */
static bool crew_goes_on(struct crew *crew, struct worker *worker)
{
	bool on;

	pthread_mutex_lock(&crew->lock);
	account(crew, worker);
	on = !crew->err.code;
	pthread_mutex_unlock(&crew->lock);
	return on;
}

static void crew_fail(struct crew *crew, const struct error *err)
{
	pthread_mutex_lock(&crew->lock);
	if (!crew->err.code)
		crew->err = *err;
	pthread_mutex_unlock(&crew->lock);
}

/* The frames [PFN, END) of a slice, but for those that came up with the base. */
static int take_frames(struct worker *worker, struct memory_window *window, uint64_t pfn,
		       uint64_t end, uint64_t limit, uint64_t *done, struct error *err)
{
	const struct crew *crew = worker->crew;
	uint64_t count;

	while (pfn < end && (count = delta_unseen(crew->delta, &pfn, end))) {
		const void *bytes;
		/* The slice is the limit, not the RAM range: nobody else wants what it maps. */
		int r = memory_map(crew->job->memory, window, pfn, count, limit, &bytes, err);

		if (!r)
			r = packer_pages(&worker->packer, pfn, count, bytes, err);
		if (r)
			return r;
		*done += count;
		pfn += count;
	}
	return 0;
}

/* Gather the frames to be saved of one slice. */
static int take_slice(struct worker *worker, struct memory_window *window,
		      const struct slice *slice, struct error *err)
{
	struct crew *crew = worker->crew;
	const struct runs *save = &crew->selection->save;
	uint64_t data = worker->packer.data, done = 0;
	size_t i;

	for (i = slice->first; i < save->n && save->v[i].pfn < slice->end; i++) {
		uint64_t pfn = save->v[i].pfn;
		uint64_t end = pfn + save->v[i].count;
		int r;

		pfn = pfn > slice->pfn ? pfn : slice->pfn;
		end = end < slice->end ? end : slice->end;
		r = take_frames(worker, window, pfn, end, slice->end, &done, err);
		if (r)
			return r;
	}
	progress_add(&crew->progress, done, worker->packer.data - data,
		     image_writer_bytes(crew->writer));
	return 0;
}

/* What the base has, chunk by chunk. */
static int take_base(struct worker *worker, struct memory_window *window, struct error *err)
{
	struct crew *crew = worker->crew;
	int r = 1;

	while (r > 0 && crew_goes_on(crew, worker)) {
		uint64_t data = worker->packer.data;
		struct reuse *reuse = &worker->reuse;

		reuse->pages = reuse->reused = 0;
		r = reuse_next(reuse, window, err);
		progress_reuse(&crew->progress, reuse->reused);
		progress_add(&crew->progress, reuse->pages, worker->packer.data - data,
			     image_writer_bytes(crew->writer));
	}
	return r < 0 ? r : 0;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct crew *crew = worker->crew;
	struct memory_window window = { 0 };
	struct error err = { 0 };
	struct slice slice;
	bool automatic = crew->job->level == LEVEL_AUTO;
	int r;

	worker->reuse = (struct reuse){ .delta = crew->delta,
					.writer = crew->writer,
					.packer = &worker->packer,
					.memory = crew->job->memory };
	r = packer_init(&worker->packer, crew->writer, automatic ? LEVEL_DEFAULT : crew->job->level,
			automatic ? &crew->level : NULL, &err);
	if (!r)
		r = reuse_init(&worker->reuse, &err);
	if (!r)
		r = take_base(worker, &window, &err);
	while (!r && crew_next(crew, worker, &slice))
		r = take_slice(worker, &window, &slice, &err);
	if (!r)
		r = packer_flush(&worker->packer, &err);
	if (r)
		crew_fail(crew, &err);
	reuse_free(&worker->reuse);
	memory_unmap(&window);
	return NULL;
}

/* Start up to COUNT workers and wait for them. Fewer than asked will do, none will not. */
static int crew_run(struct crew *crew, struct worker *workers, unsigned count, struct error *err)
{
	unsigned i, started;
	int r = 0;

	for (started = 0; started < count; started++) {
		workers[started].crew = crew;
		r = pthread_create(&workers[started].thread, NULL, work, &workers[started]);
		if (r)
			break;
	}
	for (i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	if (!started)
		return error_set(err, r, "cannot start a thread");
	if (crew->err.code) {
		*err = crew->err;
		return -err->code;
	}
	return 0;
}

int workers_run(const struct save_job *job, struct delta *delta, struct image_writer *writer,
		struct runs *zero, struct error *err)
{
	const struct selection *selection = delta->selection;
	struct crew crew = { .job = job,
			     .selection = selection,
			     .delta = delta,
			     .writer = writer,
			     .slices = selection_slices(selection) };
	unsigned i, count = save_job_workers(job->workers);
	struct worker *workers = calloc(count, sizeof(*workers));
	int r;

	if (!workers)
		return error_set(err, ENOMEM, "out of memory for %u threads", count);
	pthread_mutex_init(&crew.lock, NULL);
	progress_init(&crew.progress, job->name, runs_total(&selection->save), job->quiet,
		      job->terminals);
	level_init(&crew.level, count, runs_total(&selection->save) * FRAME_SIZE,
		   image_writer_room(writer));

	r = crew_run(&crew, workers, count, err);
	for (i = 0; i < count; i++) {
		if (!r && runs_add_all(zero, &workers[i].packer.zero))
			r = error_set(err, ENOMEM, "zero pages: out of memory");
		/* At once, so that only one of the lists is there twice. */
		packer_free(&workers[i].packer);
	}
	runs_sort(zero);

	level_free(&crew.level);
	progress_free(&crew.progress);
	pthread_mutex_destroy(&crew.lock);
	free(workers);
	return r;
}
