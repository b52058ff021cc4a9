/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to be known before anything is written. */
#include "writer/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/safe.h"
#include "disk/fingerprint.h"
#include "disk/swapseal.h"
#include "memory/resources.h"
#include "text/meminfo.h"
#include "writer/budget.h"
#include "writer/machine.h"
#include "writer/save.h"
#include "writer/target.h"

static int read_maps(struct task *task, struct error *err)
{
	const struct handoff *handoff = task->view->handoff;
	uint32_t i;
	int r = 0;

	for (i = 0; i < handoff->ram_count && !r; i++)
		r = runs_add(&task->ram, handoff->ram[i].pfn, handoff->ram[i].count);
	for (i = 0; i < handoff->home_count && !r; i++)
		r = runs_add(&task->home, handoff->home[i].pfn, handoff->home[i].count);
	if (r)
		return error_set(err, -r, "handoff area: unusable RAM map");
	runs_sort(&task->ram);
	runs_sort(&task->home);
	return 0;
}

bool task_is_dry_run(const struct task *task)
{
	return task->mailbox->request.flags & REQUEST_DRY_RUN;
}

/* From here on nobody takes A's swap areas over without its being seen. A opens them again. */
static int seal_swap(struct task *task, struct error *err)
{
	const struct mailbox *mailbox = task->mailbox;
	int r = 0;

	for (uint32_t i = 0; i < mailbox->request.seal_count && !r; i++) {
		guard_feed(&task->guard);
		do
			r = swap_seal(&mailbox->watch[i], err);
		while (target_wait(&task->wait_ms, r));
	}
	return r;
}

static int hash_extent(struct task *task, struct fingerprint *fingerprint,
		       struct image_watch *watch, struct error *err)
{
	int r;

	if (!safe_is_text(watch->extent.tag, sizeof(watch->extent.tag)))
		return error_set(err, EINVAL, "request: unterminated text");
	guard_feed(&task->guard);
	do
		r = fingerprint_hash(fingerprint, &watch->extent, &watch->xxh3, err);
	while (target_wait(&task->wait_ms, r));
	if (r == -ENODEV)
		return error_set(err, ENODEV,
				 "%s: file system's or swap area's device not found, kernel B may "
				 "lack its driver",
				 watch->extent.tag);
	return r ? error_prefix(err, "fingerprint of %s", watch->extent.tag) : 0;
}

/* Fingerprints of A's file systems. A device that is not there cannot be watched: no save. */
static int hash_watch(struct task *task, struct error *err)
{
	uint32_t i, count = task->mailbox->request.watch_count;
	struct fingerprint fingerprint = { .tag = "" };
	int r = 0;

	if (!count)
		return 0;
	task->watch = calloc(count, sizeof(*task->watch));
	if (!task->watch)
		return error_set(err, ENOMEM, "fingerprints: out of memory");
	for (i = 0; i < count && !r; i++) {
		task->watch[i].extent = task->mailbox->watch[i];
		r = hash_extent(task, &fingerprint, &task->watch[i], err);
	}
	fingerprint_end(&fingerprint);
	return r;
}

/* Does the search know of the frames that A's kernel counts as untouchable? */
static int check_untouchable(const struct task *task, struct error *err)
{
	const struct request *request = &task->mailbox->request;
	const struct free_pages *pages = &task->pages;

	if (pages->poisoned < request->poisoned_pages ||
	    (pages->poisoned && !request->poisoned_pages))
		return error_set(err, EUCLEAN,
				 "%llu pages with memory errors are found, the kernel counts %llu",
				 (unsigned long long)pages->poisoned,
				 (unsigned long long)request->poisoned_pages);
	if (request->offline_pages && !pages->offline)
		return error_set(err, EUCLEAN, "a balloon's pages are not found");
	return 0;
}

static struct frozen frozen_kernel(const struct task *task)
{
	return (struct frozen){ .memory = task->memory,
				.ram = &task->ram,
				.home = &task->home,
				.list = task->mailbox->request.kexec_list };
}

/*
 * Which pages to leave out. Any doubt about it means that all are saved, unless there are some that
 * must not even be read: a memory error ends the machine, and an offline page may be mapped
 * nowhere.
 */
static int find_free(struct task *task, struct error *err)
{
	const struct request *request = &task->mailbox->request;
	const struct handoff *handoff = task->view->handoff;
	const struct frozen frozen = frozen_kernel(task);
	bool all = request->flags & REQUEST_SAVE_ALL;
	struct error doubt = { 0 };
	int r;

	/* The other half is for the pages that are zero. */
	task->pages.limit = task->runs / 2;
	if (!handoff->vmcoreinfo_size)
		r = error_set(&doubt, ENODATA, "the kernel passed on no vmcoreinfo");
	else
		r = free_pages_find(&frozen, handoff->vmcoreinfo, 0, &task->pages, &doubt);
	if (!r && (r = check_untouchable(task, err)))
		return r;
	if (r == -E2BIG) {
		*err = doubt;
		return r;
	}
	if (r && (request->poisoned_pages || request->offline_pages))
		return error_set(err, EUCLEAN, "pages that must not be touched are not found: %s",
				 doubt.text);
	if (r && !all)
		message("free pages: %s; saving them all", doubt.text);
	if (!r && all)
		runs_free(&task->pages.free);
	if (!r && task->pages.by_top_byte)
		message("free pages: told by the top byte of their type alone");
	return 0;
}

/* How many runs of pages there is memory for. */
static int find_budget(struct task *task, struct error *err)
{
	const struct request *request = &task->mailbox->request;
	struct budget budget = {
		.workers = save_job_workers(request->workers),
		.level = request->level,
		.sealed = task->seal.key.algorithm,
		.ram = &task->ram,
		.home = &task->home,
		.machine = &task->machine,
	};
	struct meminfo meminfo;
	int r = meminfo_read("/proc/meminfo", &meminfo, err);

	if (r)
		return r;
	budget.available = meminfo.available;
	return budget_runs(&budget, &task->runs, err);
}

size_t task_zero_runs(const struct task *task)
{
	size_t used = task->pages.free.n + task->pages.untouchable.n;

	return used < task->runs ? task->runs - used : 1;
}

/* A's list of RAM is as old as this kernel; what A's own kernel says is what counts. */
static int check_ram(const struct task *task, struct error *err)
{
	const struct frozen frozen = frozen_kernel(task);
	int r = resources_check(&frozen, task->view->handoff, err);

	if (r != -ENODATA && r != -ENOTSUP)
		return r;
	if (!task->view->manual)
		message("list of RAM: %s; not compared with the kernel's own", err->text);
	return 0;
}

/* Can B map the frames? A look at the first one tells for all of the range. */
static bool is_readable(const struct task *task, const struct run *run)
{
	struct memory_window window = { 0 };
	struct error err = { 0 };
	const void *bytes;
	int r = memory_map(task->memory, &window, run->pfn, 1, run->pfn + run->count, &bytes, &err);

	memory_unmap(&window);
	if (r)
		message("ACPI tables at frame %#llx: %s; not saved", (unsigned long long)run->pfn,
			err.text);
	return !r;
}

/*
 * Firmware may put its ACPI tables to another place at the next boot, while A goes on with those
 * that it knows: they are saved like RAM, and whoever restores puts them back where they were. They
 * have no struct page that says anything, so they come in after the search for free pages.
 */
static int add_acpi(struct task *task, struct error *err)
{
	const struct handoff *handoff = task->view->handoff;
	struct runs tables = { 0 }, outside = { 0 };
	int r = 0;

	if (!task->view->manual) /* another loader may have left them ACPI's for B */
		r = memory_firmware_acpi(handoff->firmware, handoff->firmware_count, &tables);
	if (!r)
		r = runs_subtract(&tables, &task->ram, &outside);
	for (size_t i = 0; !r && i < outside.n; i++)
		if (is_readable(task, &outside.v[i]))
			r = runs_add(&task->ram, outside.v[i].pfn, outside.v[i].count);
	runs_sort(&task->ram);
	runs_free(&tables);
	runs_free(&outside);
	return r ? error_set(err, -r, "list of ACPI tables: %s", strerror(-r)) : 0;
}

int task_prepare(struct task *task, struct error *err)
{
	int r;

	r = read_maps(task, err);
	if (!r)
		r = check_ram(task, err);
	if (!r)
		r = machine_describe(task->memory, task->view, task->mailbox, task->stamps,
				     &task->ram, &task->home, &task->machine, err);
	if (!r)
		r = find_budget(task, err);
	if (!r)
		r = seal_swap(task, err);
	if (!r)
		r = hash_watch(task, err);
	if (!r)
		r = find_free(task, err);
	if (!r)
		r = add_acpi(task, err);
	if (r && !task_is_dry_run(task))
		save_leave_none_valid(&task->disk, target_name(&task->mailbox->request), NULL);
	return r;
}

void task_end(struct task *task)
{
	free(task->watch);
	free_pages_free(&task->pages);
	runs_free(&task->ram);
	runs_free(&task->home);
}
