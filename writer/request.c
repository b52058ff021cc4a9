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

#include "common/tsc.h"
#include "disk/disk.h"
#include "memory/manual.h"
#include "seal/aead.h"
#include "seal/box.h"
#include "text/watcher.h"
#include "writer/cmdline-request.h"
#include "writer/request-check.h"
#include "writer/save.h"
#include "writer/target.h"
#include "writer/task.h"

static int save(struct task *task, const struct terminals *terminals, const atomic_bool *stop,
		struct save_result *result, struct error *err)
{
	const struct request *request = &task->mailbox->request;
	const struct handoff *handoff = task->view->handoff;
	const struct image_policy policy = { .keep = request->keep, .keep_for = request->keep_for };
	struct save_job job = {
		.memory = task->memory,
		.disk = task_is_dry_run(task) ? NULL : &task->disk,
		.name = target_name(request),
		.kind = request->operation == OP_HIBERNATE ? IMAGE_HIBERNATION : IMAGE_CHECKPOINT,
		.level = request->level,
		.workers = request->workers,
		.zero_runs = task_zero_runs(task),
		.boot = request->boot_bytes,
		.full = request->flags & REQUEST_FULL,
		.wish = { .full_every = request->full_every },
		.policy = task->view->manual ? NULL : &policy,
		.seal = task->seal.key.algorithm ? &task->seal : NULL,
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

	memcpy(job.identity.boot, request->boot, sizeof(job.identity.boot));
	memcpy(job.identity.secret, request->digest_secret, sizeof(job.identity.secret));
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

/* Of an image that waits to be restored `kjump` tells its user before it jumps. */
static int keep_waiting(const struct task *task, struct error *err)
{
	const char *name = target_name(&task->mailbox->request);
	struct image_super super;
	int r = image_super_read(&task->disk, &super, err);

	if (r)
		return error_prefix(err, "%s", name);
	/* One that was handed over came back: nothing of kjump that would mark it runs in such an
	 * A. */
	return image_waits(&super) && super.state != IMAGE_HANDED_OVER
		       ? error_set(err, EEXIST,
				   "%s: holds an image that waits to be restored and would be "
				   "lost; 'kjump discard' it first",
				   name)
		       : 0;
}

/*
 * The keys leave the mailbox, which is saved like the rest of A's memory, and which another writer
 * might look into. That the image is to be sealed stays there: nobody takes it for one in clear.
 */
static int take_seal(struct task *task, struct mailbox *mailbox, struct error *err)
{
	struct request_seal *seal = &mailbox->request.seal;

	task->seal = *seal;
	keys_wipe(seal->key.key, sizeof(seal->key.key));
	keys_wipe(seal->known, sizeof(seal->known));
	seal->count = 0;
	if (!box_possible(&task->seal))
		return error_set(err, EINVAL, "request: to be sealed, but with no key that fits");
	return task->seal.key.algorithm ? aead_check(task->seal.key.algorithm, err) : 0;
}

static int execute(struct task *task, struct save_result *result, struct error *err)
{
	int r;

	r = request_check(task->mailbox, err);
	if (r)
		return r;
	guard_begin(&task->guard, &task->mailbox->request, "/dev/watchdog");
	r = target_open(&task->mailbox->request, &task->wait_ms, &task->disk, err);
	if (!r && task->view->manual)
		r = keep_waiting(task, err);
	if (!r)
		r = task_prepare(task, err);
	if (!r)
		r = save_watched(task, result, err);
	guard_end(&task->guard);
	disk_close(&task->disk);
	task_end(task);
	return r;
}

#define REUSE_SIZE 64

/* How much was not written, before the reason why not all of it was compared. */
static const char *describe_reuse(const struct save_result *result, char text[REUSE_SIZE])
{
	unsigned long long reused = result->super.reused_pages;

	if (reused)
		snprintf(text, REUSE_SIZE, "%llu as in the image before%s", reused,
			 result->full[0] ? ", not all compared: " : "");
	else
		snprintf(text, REUSE_SIZE, "a full image%s", result->full[0] ? ": " : "");
	return text;
}

static void describe_success(const struct request *request, const struct save_result *result,
			     struct outcome *outcome)
{
	const struct image_super *super = &result->super;
	char reuse[REUSE_SIZE], text[512];
	bool dry_run = request->flags & REQUEST_DRY_RUN;

	outcome->result = dry_run ? RESULT_DRY_RUN : RESULT_SAVED;
	if (!dry_run)
		memcpy(outcome->image, super->image_uuid, sizeof(outcome->image));
	image_super_count(super, outcome);
	outcome->bytes_written = result->bytes;
	snprintf(text, sizeof(text), "%s: %s %llu pages in %llu MiB, %llu more are zero; %s%s",
		 target_name(request), dry_run ? "dry run, nothing written:" : "saved",
		 (unsigned long long)super->data_pages, (unsigned long long)(result->bytes >> 20),
		 (unsigned long long)super->zero_pages, describe_reuse(result, reuse),
		 result->full);
	snprintf(outcome->message, sizeof(outcome->message), "%.255s", text);
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
	struct error err = { 0 }, second;
	int r, code;

	/* Before anything is drawn: this kernel may be one out of a file, with all of its state. */
	r = memory_entropy_take(mailbox, "/dev/random", &err);
	begin_outcome(mailbox, task->view->live, &outcome);
	task->stamps = outcome.stamps;
	outcome.stamps[STAMP_SAVE_START] = tsc_read();
	code = take_seal(task, mailbox, r ? &second : &err);
	r = r ? r : code;
	if (!r)
		r = execute(task, &result, &err);
	keys_wipe(&task->seal, sizeof(task->seal));
	outcome.stamps[STAMP_SAVE_END] = tsc_read();
	if (r)
		describe_failure(&err, &outcome);
	else
		describe_success(&mailbox->request, &result, &outcome);
	message("%s", outcome.message);
	memory_outcome_store(mailbox, &outcome);
	if (r)
		return WRITE_FAILED;
	return outcome.result == RESULT_SAVED && mailbox->request.operation == OP_HIBERNATE &&
			       !(mailbox->request.flags & REQUEST_STAY_ON)
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
