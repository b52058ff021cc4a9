/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving the running system: the request to kernel B, the jump, and the answer. Between the two
 * halves of jump() this process, like all others, may have been on a disk for a week.
 */
#include "kjump/save/save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/printable.h"
#include "common/tsc-rate.h"
#include "common/tsc.h"
#include "jump/jump.h"
#include "kjump/check/preflight.h"
#include "kjump/check/room.h"
#include "kjump/check/untouchable.h"
#include "kjump/load/choice.h"
#include "kjump/load/finder.h"
#include "kjump/load/loader.h"
#include "kjump/paths.h"
#include "kjump/save/areas.h"
#include "kjump/save/culprit.h"
#include "kjump/save/hardware.h"
#include "kjump/save/hooks.h"
#include "kjump/save/identity.h"
#include "kjump/save/quiesce.h"
#include "kjump/save/rehearse.h"
#include "kjump/save/report.h"
#include "kjump/save/settle.h"
#include "kjump/save/tell.h"
#include "kjump/save/watchdogs.h"
#include "kjump/watch/census.h"
#include "kjump/watch/resolve.h"
#include "kjump/watch/volume.h"
#include "text/files.h"
#include "text/human.h"

#define NOTHING_SAVED "; nothing was saved"
#define CENSUS_TRIES  5
#define HOOK_SECONDS  90 /* systemd's DEFAULT_TIMEOUT_USEC */

struct save {
	const struct options *options;
	struct tsc_rate start;
	struct preflight preflight;
	struct loader loader;
	struct request request;		     /* A's copies: the mailbox is kernel B's as well */
	struct watch seals[WATCH_SEALS_MAX]; /* request.seal_count of them */
	struct outcome outcome;
	struct settle settle;
	uint64_t census; /* of what could write to a disk, right before it was watched */
	uint64_t back;	 /* time-stamp counter when A went on */
};

static void fill_request(struct save *save, enum operation operation)
{
	const struct config *config = &save->options->config;
	struct request *request = &save->request;
	char uuid[37];

	request->operation = operation;
	request->flags = (config->verify ? REQUEST_VERIFY : 0) |
			 (config->all ? REQUEST_SAVE_ALL : 0) |
			 (save->options->full ? REQUEST_FULL : 0) |
			 (save->options->dry_run ? REQUEST_DRY_RUN : 0);
	request->level = config->level;
	request->workers = config->workers ? choice_cpus(config) : 0;
	if (*save->preflight.file.path)
		memcpy(request->target, save->preflight.file.spec, sizeof(request->target));
	else
		snprintf(request->target, sizeof(request->target), "UUID=%s",
			 human_uuid(save->preflight.super.device_uuid, uuid));
	snprintf(request->target_name, sizeof(request->target_name), "%s", config->target);
	request->piece_count = (uint32_t)save->preflight.piece_count;
	memcpy(request->pieces, save->preflight.pieces, sizeof(request->pieces));
	memcpy(request->device_uuid, save->preflight.super.device_uuid,
	       sizeof(request->device_uuid));
	request->time = (uint64_t)time(NULL);
	request->keep = config->keep;
	request->keep_for = config->keep_for;
	request->full_every = config->full_every;
	identity_fill(PATH_DIGEST, request);
}

/* Only what will be restored must be found as it was; and swap areas are A's own again soon. */
static int post_watch(struct save *save, struct mailbox *mailbox, struct error *err)
{
	const bool hibernate = save->request.operation == OP_HIBERNATE;
	struct watch_list list = { .watch = mailbox->watch, .max = MAILBOX_WATCH_MAX };
	const struct watch_doubt *doubt;
	const struct watch_source source = { PATH_PROC, &devices_running,
					     preflight_node(&save->preflight) };
	int ret = census_take(&source, &save->census, err);

	if (!ret)
		ret = watch_resolve(&source, save->options->config.allow_unwatched, &list, err);
	if (ret)
		return ret;
	doubt = hibernate ? watch_refusal(&list) : NULL;
	if (doubt)
		return error_set(err, ENOTSUP, "%s", doubt->text);
	save->request.seal_count = 0;
	if (hibernate && !save->options->dry_run) {
		memcpy(save->seals, list.watch, list.seals * sizeof(*list.watch));
		save->request.seal_count = (uint32_t)list.seals;
	}
	/* What B writes is no change. Of a file system that is the file alone. */
	if (*save->preflight.file.path)
		ret = claimed_exclude(&save->preflight.file, list.watch, list.max, &list.count,
				      err);
	else
		ret = volume_exclude(save->request.pieces, save->request.piece_count, list.watch,
				     list.max, &list.count, err);
	save->request.watch_count = (uint32_t)list.count;
	return ret;
}

/* From here on until the jump nothing should happen that changes a file system. */
static int post_request(struct save *save, struct error *err)
{
	const struct room_paths room = { PATH_MEMINFO, PATH_DROP_CACHES, PATH_FOOTPRINT,
					 PATH_IOMEM,   PATH_BOOT_PARAMS, PATH_ZONEINFO };
	struct mailbox *mailbox = save->loader.page.mailbox;
	struct untouchable untouchable;
	uint64_t pfn;
	int ret;

	sync();
	sync();
	ret = save->request.operation == OP_HIBERNATE ? room_make(&room, &save->loader.state, err)
						      : 0;
	if (!ret)
		ret = room_boot(&room, &save->loader.state, &save->request.boot_bytes, err);
	if (!ret)
		ret = post_watch(save, mailbox, err);
	if (!ret)
		ret = hardware_record(preflight_node(&save->preflight), mailbox, err);
	if (!ret)
		ret = mailbox_frame(PATH_PAGEMAP, mailbox, &pfn, err);
	if (ret)
		return ret;
	if (pfn != save->loader.state.mailbox_pfn)
		return error_set(err, ESTALE, "the mailbox moved to another page frame");
	ret = untouchable_count("", &untouchable, err);
	if (ret)
		return ret;
	save->request.poisoned_pages = untouchable.poisoned;
	save->request.offline_pages = untouchable.offline;
	save->request.tsc_khz = tsc_rate_khz(save->start);
	save->request.kexec_list = save->loader.state.kexec_list;
	mailbox->request = save->request;
	memset(&mailbox->outcome, 0, sizeof(mailbox->outcome));
	return 0;
}

/* Has kernel B, or a restore, answered the request that was made last? */
static bool is_answered(const struct mailbox *mailbox)
{
	return __atomic_load_n(&mailbox->answered, __ATOMIC_ACQUIRE) == mailbox->sequence;
}

/*
 * What was mounted or switched on since post_watch() looked would be watched by nobody. Right
 * before the jump, where programs are frozen for it already; else as near to it as there is.
 */
static int check_census(struct save *save, struct error *err)
{
	const struct watch_source source = { PATH_PROC, &devices_running,
					     preflight_node(&save->preflight) };
	uint64_t census;
	int ret = census_take(&source, &census, err);

	if (ret || census == save->census)
		return ret;
	return error_set(err, EAGAIN, "a file system, swap area or disk came or went meanwhile");
}

/*
 * Jump, with programs frozen if that can be. The number goes up only here, so that kernel B,
 * whenever it looks, finds a request only when there is one.
 */
static int cross(struct save *save, struct jump_freeze *frozen, const struct quiesce *quiesce,
		 struct watchdogs *watchdogs, struct error *err)
{
	struct mailbox *mailbox = save->loader.page.mailbox;
	int ret;

	__atomic_store_n(&mailbox->sequence, mailbox->sequence + 1, __ATOMIC_RELEASE);
	ret = save->loader.backend->execute(frozen, err);
	save->back = tsc_read();
	/* Before anything else: a crash from here on must not restore this once more. */
	if (!ret && is_answered(mailbox) && mailbox->outcome.result == RESULT_RESTORED)
		settle_restored(&save->settle, mailbox->outcome.image);
	watchdogs_start(watchdogs);
	areas_open(save->seals, save->request.seal_count, quiesce->snapshot);
	/* Nobody has seen the request, and nobody shall. */
	if (ret)
		__atomic_store_n(&mailbox->answered, mailbox->sequence, __ATOMIC_RELEASE);
	return ret;
}

/* Jump, with the system made ready for it, and put back afterwards. */
static int jump(struct save *save, uint64_t stamps[STAMP_MAX], struct error *err)
{
	struct mailbox *mailbox = save->loader.page.mailbox;
	const struct jump_backend *backend = save->loader.backend;
	struct watchdogs watchdogs;
	struct jump_freeze frozen;
	struct quiesce quiesce;
	char culprit[CULPRIT_SIZE];
	bool refused = false;
	int ret, kmsg = culprit_watch();

	ret = quiesce_begin(&quiesce, !backend->parks_cpus(), err);
	if (!ret)
		ret = loader_is_current(&save->loader, err);
	if (!ret) {
		ret = backend->freeze(quiesce.snapshot, &frozen, err);
		refused = ret;
	}
	if (ret)
		goto out;
	ret = check_census(save, err);
	if (!ret) {
		watchdogs_stop(&watchdogs);
		mailbox->request.watchdog_count = (uint32_t)watchdogs.count;
		memcpy(mailbox->request.watchdogs, watchdogs.entries, sizeof(watchdogs.entries));
		stamps[STAMP_JUMP] = tsc_read();
		memcpy(mailbox->outcome.stamps, stamps, sizeof(mailbox->outcome.stamps));
		ret = cross(save, &frozen, &quiesce, &watchdogs, err);
		refused = ret;
	}
	backend->thaw(&frozen);
out:
	quiesce_end(&quiesce);
	culprit_name(kmsg, culprit, sizeof(culprit));
	return refused ? culprit_explain(backend, -ret, culprit, err) : ret;
}

/* Take the outcome out of the mailbox: it comes from another kernel, maybe from a disk. */
static int take_outcome(struct save *save, const uint64_t stamps[STAMP_MAX], struct error *err)
{
	struct mailbox *mailbox = save->loader.page.mailbox;
	struct outcome *outcome = &save->outcome;

	if (!is_answered(mailbox)) {
		/* Withdrawn, lest it is answered some other time. */
		mailbox->answered = mailbox->sequence;
		/* Where there was a kernel B it has left its log, which is all that is known. */
		if (!mailbox->outcome.stamps[STAMP_BACK])
			return error_set(err, ESTALE,
					 "kernel B came back without having found the request");
		mailbox->outcome.result = RESULT_NONE;
		mailbox->outcome.message[0] = '\0';
	}
	*outcome = mailbox->outcome;
	explicit_bzero(mailbox->outcome.entropy, sizeof(mailbox->outcome.entropy));
	outcome->message[sizeof(outcome->message) - 1] = '\0';
	printable(outcome->message);
	if (outcome->log_size > sizeof(outcome->log))
		outcome->log_size = sizeof(outcome->log);
	outcome->stamps[STAMP_LOAD_START] = stamps[STAMP_LOAD_START];
	outcome->stamps[STAMP_LOAD_END] = stamps[STAMP_LOAD_END];
	outcome->stamps[STAMP_JUMP] = stamps[STAMP_JUMP];
	return 0;
}

/* There and back. ESTALE when kernel B or the mailbox turned out to be no good. */
static int ask(struct save *save, struct error *err)
{
	uint64_t stamps[STAMP_MAX] = { 0 };
	int ret;

	stamps[STAMP_LOAD_START] = save->loader.load_start;
	stamps[STAMP_LOAD_END] = save->loader.load_end;
	/* First: to hold the target is to take a device, which the census counts. */
	ret = settle_hold(&save->settle, err);
	for (int tries = 1; !ret; tries++) {
		ret = post_request(save, err);
		if (!ret)
			ret = jump(save, stamps, err);
		if (ret != -EAGAIN || tries == CENSUS_TRIES)
			break;
		message("%s; looking again", err->text);
		ret = 0;
	}
	if (ret)
		return ret;
	ret = take_outcome(save, stamps, err);
	quiesce_recover(save->outcome.entropy);
	explicit_bzero(save->outcome.entropy, sizeof(save->outcome.entropy));
	return ret;
}

/*
 * A warm kernel B may be there no more: one without KEXEC_JUMP is gone once it jumped back. Then
 * the jump returns at once, and a fresh one is loaded.
 */
static int ask_with_retry(struct save *save, struct error *err)
{
	bool warm;
	int ret;

	do {
		ret = loader_ensure(&save->options->config, &save->loader, err);
		if (ret)
			return ret;
		warm = !save->loader.load_start;
		if (!warm && !save->options->config.all)
			finder_tell(PATH_KCORE, PATH_IOMEM, PATH_ZONEINFO);
		ret = ask(save, err);
		loader_close(&save->loader);
		if (ret != -ESTALE)
			return ret;
		/* It may have written an image before it was lost. */
		settle_went_on(&save->settle);
		if (warm)
			message("%s; loading it anew", err->text);
		ret = loader_drop(err);
	} while (!ret && warm);
	return ret ? ret
		   : error_set(err, ESTALE,
			       "kernel B does not find the request; it was "
			       "unloaded");
}

/* What is "loaded" now is the payload that brought A back. */
static void drop_payload(void)
{
	struct error err = { 0 };

	if (loader_drop(&err))
		message("%s; 'kjump unload' tries again", err.text);
}

static void keep_last(const char *text)
{
	struct error err = { 0 };

	if (!file_replace(PATH_LAST, text, &err))
		chmod(PATH_LAST, 0644); /* for 'kjump status' of everybody */
	else
		message("%s; the result is not kept for 'kjump status'", err.text);
}

static void report(const struct save *save)
{
	const struct report report = { &save->request, &save->outcome, save->back };
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	tell_done(&report);
	if (!memory)
		return;
	report_print(memory, &report);
	if (!fclose(memory)) {
		keep_last(text);
		if (!save->options->quiet)
			fputs(text, stdout);
	}
	free(text);
}

/* STATE is what the failure leaves behind, where CAUSE does not say it. */
static void report_failure(const struct save *save, const char *cause, const char *state)
{
	char text[512], time[HUMAN_SIZE];

	message("%s: %s%s", report_operation(save->request.operation), cause, state);
	tell_failed(&save->request, cause);
	snprintf(text, sizeof(text), "%s of %s on %s: failed: %s\n",
		 report_operation(save->request.operation), human_time(save->request.time, time),
		 save->request.target_name, cause);
	keep_last(text);
}

static int conclude(struct save *save)
{
	const struct outcome *outcome = &save->outcome;
	bool hibernate = save->request.operation == OP_HIBERNATE;

	switch (outcome->result) {
	case RESULT_RESTORED:
		drop_payload();
		report(save);
		return EXIT_DONE;
	case RESULT_SAVED:
		if (hibernate) {
			settle_went_on(&save->settle);
			report_failure(save, "kernel B came back instead of switching off",
				       NOTHING_SAVED);
			return EXIT_FAILED;
		}
		report(save);
		return EXIT_DONE;
	case RESULT_DRY_RUN:
		report(save);
		return EXIT_DONE;
	case RESULT_ABORTED:
		settle_went_on(&save->settle);
		report_failure(save, *outcome->message ? outcome->message : "aborted", "");
		return EXIT_ABORTED;
	default:
		break;
	}
	settle_went_on(&save->settle);
	if (*outcome->message)
		report_failure(save, outcome->message, "");
	else
		report_failure(save, "kernel B ended without an answer; its last messages follow",
			       NOTHING_SAVED);
	if (!*outcome->message || outcome->flags & OUTCOME_WRITER_DIED)
		report_log(stderr, outcome);
	return EXIT_FAILED;
}

/* A kernel B that cannot stay behind only takes memory now. */
static void drop_if_gone(const struct save *save)
{
	struct error err = { 0 };

	if ((save->outcome.flags & OUTCOME_B_GONE) && loader_drop(&err))
		message("%s; 'kjump unload' tries again", err.text);
}

/* From here on others are told, and told again afterwards. */
static int save_between_hooks(struct save *save, enum operation operation)
{
	const bool hibernate = operation == OP_HIBERNATE;
	const char *logind = save->options->logind;
	struct hooks hooks = { .root = "",
			       .operation = logind	? logind
					    : hibernate ? "hibernate"
							: "checkpoint",
			       .sleep = hibernate,
			       .seconds = HOOK_SECONDS };
	struct error err = { 0 };
	int ret, status = EXIT_FAILED;

	fill_request(save, operation);
	settle_begin(&save->settle, save->request.target, save->options->dry_run);
	if (hibernate && !logind)
		hooks_lock_sessions("");
	ret = hooks_pre(&hooks, &err);
	if (!ret) {
		tell_begin(&save->request, save->options->quiet, PATH_HISTORY);
		ret = ask_with_retry(save, &err);
		if (ret)
			settle_went_on(&save->settle);
	}
	if (ret) {
		report_failure(save, err.text, NOTHING_SAVED);
	} else {
		status = conclude(save);
		drop_if_gone(save);
	}
	hooks_post(&hooks);
	settle_end(&save->settle);
	return status;
}

int save_system(const struct options *options, enum operation operation)
{
	struct save *save = calloc(1, sizeof(*save));
	struct error err = { 0 };
	int status = EXIT_FAILED;

	if (!save) {
		message("out of memory; nothing was done");
		return EXIT_FAILED;
	}
	save->options = options;
	save->start = tsc_rate_begin();
	save->preflight = (struct preflight){ .config = &options->config,
					      .operation = operation,
					      .logind = options->logind,
					      .replace = options->replace || options->dry_run,
					      .root = "" };
	if (loader_lock(&err) || quiesce_put_back() || preflight_run(&save->preflight, &err) ||
	    rehearse_for_jump(&options->config, options->quiet, &err)) {
		message("%s; nothing was done", err.text);
		if (!options->dry_run && geteuid() == 0)
			tell_refused(operation, options->config.target, err.text);
		goto out;
	}
	status = save_between_hooks(save, operation);
out:
	free(save);
	return status;
}
