/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answering the request in kernel A's mailbox: from the request to a job, from its result to the
 * outcome.
 *
 * The mailbox is part of the memory that is saved. Its copy in the image must hold the request
 * without an answer, because whoever restores the image fills the outcome in. So the outcome is
 * kept aside until everything is on the device.
 */
#include "writer/request.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/safe.h"
#include "common/tsc.h"
#include "disk/devices.h"
#include "disk/disk.h"
#include "disk/fingerprint.h"
#include "disk/swapseal.h"
#include "memory/freepages.h"
#include "memory/manual.h"
#include "memory/resources.h"
#include "text/meminfo.h"
#include "writer/budget.h"
#include "writer/cmdline-request.h"
#include "writer/machine.h"
#include "writer/request-check.h"
#include "writer/save.h"
#include "writer/target.h"
#include "writer/watcher.h"

/* Everything that one request needs. */
struct task {
	struct memory *memory;
	const struct handoff_view *view;
	const struct mailbox *mailbox; /* not to be written to before the end */
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

static bool is_dry_run(const struct task *task)
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

/*
 * Which pages to leave out. Any doubt about it means that all are saved, unless there are some that
 * must not even be read: a memory error ends the machine, and an offline page may be mapped
 * nowhere.
 */
static int find_free(struct task *task, struct error *err)
{
	const struct request *request = &task->mailbox->request;
	const struct handoff *handoff = task->view->handoff;
	bool all = request->flags & REQUEST_SAVE_ALL;
	struct error doubt = { 0 };
	int r;

	/* The other half is for the pages that are zero. */
	task->pages.limit = task->runs / 2;
	if (!handoff->vmcoreinfo_size)
		r = error_set(&doubt, ENODATA, "the kernel passed on no vmcoreinfo");
	else
		r = free_pages_find(task->memory, &task->ram, &task->home, handoff->vmcoreinfo, 0,
				    &task->pages, &doubt);
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

/* What is left of that for the pages that are zero. */
static size_t zero_runs(const struct task *task)
{
	size_t used = task->pages.free.n + task->pages.untouchable.n;

	return used < task->runs ? task->runs - used : 1;
}

static int save(struct task *task, const struct terminals *terminals, const atomic_bool *stop,
		struct save_result *result, struct error *err)
{
	const struct request *request = &task->mailbox->request;
	const struct handoff *handoff = task->view->handoff;
	const struct save_job job = {
		.memory = task->memory,
		.disk = is_dry_run(task) ? NULL : &task->disk,
		.name = target_name(request),
		.kind = request->operation == OP_HIBERNATE ? IMAGE_HIBERNATION : IMAGE_CHECKPOINT,
		.level = request->level,
		.workers = request->workers,
		.zero_runs = zero_runs(task),
		.boot = request->boot_bytes,
		.verify = request->flags & REQUEST_VERIFY,
		.terminals = terminals,
		.stop = stop,
		.guard = &task->guard,
		.ram = &task->ram,
		.home = &task->home,
		.free = &task->pages.free,
		.untouchable = &task->pages.untouchable,
		.machine = &task->machine,
		.firmware = handoff->firmware,
		.firmware_count = handoff->firmware_count,
		.watch = task->watch,
		.watch_count = request->watch_count,
		.pci = task->mailbox->pci,
		.pci_count = task->mailbox->pci_count,
		.disks = task->mailbox->disks,
		.disk_count = task->mailbox->disk_count,
		.efi = task->mailbox->efi,
		.efi_count = task->mailbox->efi_count,
		.vmcoreinfo = handoff->vmcoreinfo,
		.vmcoreinfo_size = handoff->vmcoreinfo_size,
	};

	return save_run(&job, result, err) ? error_prefix(err, "%s", job.name) : 0;
}

/* Keys count from here on to the end of the save. */
static int save_watched(struct task *task, struct save_result *result, struct error *err)
{
	struct terminals terminals = { .count = 0 };
	struct watcher watcher = { .count = 0 };
	int r;

	if (task->consoles)
		terminals_open(&terminals, task->consoles, "/dev");
	if (watcher_start(&watcher, &terminals))
		message("%s: saving; q or Esc aborts", target_name(&task->mailbox->request));
	r = save(task, &terminals, &watcher.pressed, result, err);
	watcher_stop(&watcher);
	terminals_close(&terminals);
	return r;
}

/* A's list of RAM is as old as this kernel; what A's own kernel says is what counts. */
static int check_ram(const struct task *task, struct error *err)
{
	int r = resources_check(task->memory, task->view->handoff, &task->ram, &task->home, err);

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

/* What has to be known before anything is written. */
static int prepare(struct task *task, struct error *err)
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
	if (r && !is_dry_run(task))
		save_leave_none_valid(&task->disk, target_name(&task->mailbox->request), NULL);
	return r;
}

static int execute(struct task *task, struct save_result *result, struct error *err)
{
	int r;

	r = request_check(task->mailbox, err);
	if (r)
		return r;
	guard_begin(&task->guard, &task->mailbox->request, "/dev/watchdog");
	r = target_open(&task->mailbox->request, &task->wait_ms, &task->disk, err);
	if (!r)
		r = prepare(task, err);
	if (!r)
		r = save_watched(task, result, err);
	guard_end(&task->guard);
	disk_close(&task->disk);
	free(task->watch);
	free_pages_free(&task->pages);
	runs_free(&task->ram);
	runs_free(&task->home);
	return r;
}

static void describe_success(const struct request *request, const struct save_result *result,
			     struct outcome *outcome)
{
	const struct image_super *super = &result->super;

	bool dry_run = request->flags & REQUEST_DRY_RUN;

	outcome->result = dry_run ? RESULT_DRY_RUN : RESULT_SAVED;
	if (!dry_run)
		memcpy(outcome->image, super->image_uuid, sizeof(outcome->image));
	image_super_count(super, outcome);
	outcome->bytes_written = result->bytes;
	snprintf(outcome->message, sizeof(outcome->message),
		 "%s: %s %llu pages in %llu MiB, %llu more are zero", target_name(request),
		 dry_run ? "dry run, nothing written:" : "saved",
		 (unsigned long long)super->data_pages, (unsigned long long)(result->bytes >> 20),
		 (unsigned long long)super->zero_pages);
}

static void describe_failure(const struct error *err, struct outcome *outcome)
{
	outcome->result = err->code == ECANCELED ? RESULT_ABORTED : RESULT_FAILED;
	outcome->error = err->code;
	snprintf(outcome->message, sizeof(outcome->message), "%.230s; not saved", err->text);
}

/* What the outcome holds whether the save went well or not. */
static void begin_outcome(const struct mailbox *mailbox, const struct live_page *live,
			  struct outcome *outcome)
{
	/* A filled in when it loaded B and when it jumped. */
	memcpy(outcome->stamps, mailbox->outcome.stamps,
	       STAMP_ENTERED * sizeof(outcome->stamps[0]));
	outcome->stamps[STAMP_ENTERED] = live->tsc_entered;
	outcome->stamps[STAMP_INIT] = tsc_read();
	outcome->jumps = live->jumps;
	/* Never waits: early in a boot some bytes are better than none, A only mixes them in. */
	if (getrandom(outcome->entropy, sizeof(outcome->entropy), GRND_INSECURE) < 0)
		memset(outcome->entropy, 0, sizeof(outcome->entropy));
}

static enum write_exit answer(struct task *task, struct mailbox *mailbox)
{
	struct save_result result = { 0 };
	struct outcome outcome = { 0 };
	struct error err = { 0 };
	int r;

	begin_outcome(mailbox, task->view->live, &outcome);
	task->stamps = outcome.stamps;
	outcome.stamps[STAMP_SAVE_START] = tsc_read();
	r = execute(task, &result, &err);
	outcome.stamps[STAMP_SAVE_END] = tsc_read();
	if (r)
		describe_failure(&err, &outcome);
	else
		describe_success(&mailbox->request, &result, &outcome);
	message("%s", outcome.message);
	memory_outcome_store(mailbox, &outcome);
	if (r)
		return WRITE_FAILED;
	return outcome.result == RESULT_SAVED && mailbox->request.operation == OP_HIBERNATE
		       ? WRITE_OFF
		       : WRITE_BACK;
}

static int find_mailbox(struct memory *memory, const char *cmdline, const struct handoff_view *view,
			struct mailbox **ret, struct error *err)
{
	int r;

	if (!view->manual)
		return memory_mailbox(memory, view->handoff, ret, err);
	*ret = malloc(sizeof(**ret));
	if (!*ret)
		return error_set(err, ENOMEM, "request: out of memory");
	r = cmdline_request(cmdline, *ret, err);
	if (r)
		free(*ret);
	return r;
}

enum write_exit request_answer(struct memory *memory, const char *cmdline, const char *consoles,
			       unsigned wait_ms)
{
	struct manual_paths paths = manual_running;
	struct handoff_view view = { 0 };
	struct mailbox *mailbox = NULL;
	struct error err = { 0 };
	enum write_exit status;

	paths.cmdline = cmdline;
	if (manual_or_handoff(memory, &paths, &view, &err) ||
	    find_mailbox(memory, cmdline, &view, &mailbox, &err)) {
		message("%s; no request, nothing written", err.text);
		manual_free(&view);
		return WRITE_NO_REQUEST;
	}

	struct task task = {
		.memory = memory,
		.view = &view,
		.mailbox = mailbox,
		.consoles = consoles,
		.wait_ms = wait_ms,
		.disk = { .fd = -1 },
	};

	status = answer(&task, mailbox);
	if (view.manual)
		free(mailbox);
	manual_free(&view);
	return status;
}

/* The mailbox, whether its request is answered or not. */
static int find_any_mailbox(struct memory *memory, const struct handoff_view *view,
			    struct mailbox **ret, struct error *err)
{
	void *mapped;
	int r = memory_map_rw(memory, view->handoff->mailbox_pfn << FRAME_SHIFT, MAILBOX_SIZE,
			      &mapped, err);

	*ret = mapped;
	return r ? r : memory_mailbox_check(mapped, view->handoff->nonce, err);
}

static void abandon(struct mailbox *mailbox, const struct live_page *live, const char *status,
		    unsigned wait_ms)
{
	const struct request *request = &mailbox->request;
	struct disk disk = { .fd = -1 };
	struct outcome outcome = { 0 };
	struct error err = { 0 };

	if (request->flags & REQUEST_DRY_RUN)
		; /* which has written nothing */
	else if (request_check(mailbox, &err) || target_open(request, &wait_ms, &disk, &err))
		message("%s; an image may still be valid, discard it", err.text);
	else
		save_leave_none_valid(&disk, target_name(request), NULL);
	disk_close(&disk);
	if (mailbox->answered == mailbox->sequence)
		return;
	begin_outcome(mailbox, live, &outcome);
	error_set(&err, EIO, "kernel B's writer ended without an answer (status %.10s)", status);
	describe_failure(&err, &outcome);
	outcome.flags = OUTCOME_WRITER_DIED;
	memory_outcome_store(mailbox, &outcome);
}

enum write_exit request_abandon(struct memory *memory, const char *cmdline, const char *status,
				unsigned wait_ms)
{
	struct manual_paths paths = manual_running;
	struct handoff_view view = { 0 };
	struct mailbox *mailbox = NULL;
	struct error err = { 0 };
	int r;

	paths.cmdline = cmdline;
	r = manual_or_handoff(memory, &paths, &view, &err);
	if (!r)
		r = view.manual ? find_mailbox(memory, cmdline, &view, &mailbox, &err)
				: find_any_mailbox(memory, &view, &mailbox, &err);
	if (r)
		message("%s; nothing was marked", err.text);
	else
		abandon(mailbox, view.live, status, wait_ms);
	if (view.manual)
		free(mailbox);
	manual_free(&view);
	return r ? WRITE_NO_REQUEST : WRITE_FAILED;
}
