/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request and everything that is found out for it before anything is written: which pages are
 * A's, which of them need not be saved, what must be found unchanged at the restore.
 */
#ifndef WRITER_TASK_H
#define WRITER_TASK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/abi.h"
#include "disk/disk.h"
#include "image/image.h"
#include "memory/freepages.h"
#include "memory/memory.h"
#include "writer/guard.h"

struct task {
	struct memory *memory;
	const struct handoff_view *view;
	const struct mailbox *mailbox; /* not to be written to before the end, but for keys */
	struct request_seal seal;      /* its keys, taken out of it */
	const uint64_t *stamps;	       /* so far */
	const char *consoles;	       /* NULL = watch none */
	unsigned wait_ms;	       /* left to wait for devices */
	struct runs ram, home;
	size_t runs;		 /* of pages that are left out: there is memory for so many */
	struct free_pages pages; /* to be left out */
	struct image_machine machine;
	struct image_watch *watch;
	struct disk disk;
	struct guard guard;
};

/*
 * Fill in what is not there before: the runs, the pages, the machine, the watch. Needs the target
 * open, and A's swap areas are sealed. When it fails, an image that a hibernation left on the
 * target is valid no more. Errors name their object.
 */
int task_prepare(struct task *task, struct error *err);

/* Frees what task_prepare() allocated, after a failure too. */
void task_end(struct task *task);

bool task_is_dry_run(const struct task *task);

/* For how many runs of zero pages there is memory; at least 1. */
size_t task_zero_runs(const struct task *task);

#endif
