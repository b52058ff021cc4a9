/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving the running system: what goes before, the request and the jump (parts.h), and the answer.
 */
#include "kjump/save/save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/printable.h"
#include "jump/jump.h"
#include "kjump/load/finder.h"
#include "kjump/load/home.h"
#include "kjump/paths.h"
#include "kjump/save/hooks.h"
#include "kjump/save/hybrid.h"
#include "kjump/save/keep.h"
#include "kjump/save/parts.h"
#include "kjump/save/quiesce.h"
#include "kjump/save/rehearse.h"
#include "kjump/save/report.h"
#include "kjump/save/seal.h"
#include "kjump/save/tell.h"
#include "text/files.h"
#include "text/human.h"

#define NOTHING_SAVED "; nothing was saved"
#define CENSUS_TRIES  5
#define MORE_TRIES    3
#define HOOK_SECONDS  90 /* systemd's DEFAULT_TIMEOUT_USEC */

/* Take the outcome out of the mailbox: it comes from another kernel, maybe from a disk. */
static int take_outcome(struct save *save, const uint64_t stamps[STAMP_MAX], struct error *err)
{
	struct mailbox *mailbox = save->loader.page.mailbox;
	struct outcome *outcome = &save->outcome;

	if (!ask_is_answered(mailbox)) {
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
		ret = ask_post(save, err);
		if (!ret)
			ret = cross_jump(save, stamps, err);
		seal_wipe(&save->loader.page.mailbox->request.seal);
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

/* Did kernel B have too little memory, and will the next one have more? */
static bool has_more_room(const struct save *save)
{
	const struct outcome *outcome = &save->outcome;
	struct error err = { 0 };

	if (outcome->result != RESULT_FAILED || outcome->error != ENOMEM ||
	    save->options->config.home || save->loader.state.reserved)
		return false;
	if (home_grow(PATH_HOME_MORE, &err)) {
		message("%s; kernel B gets no more memory", err.text);
		return false;
	}
	message("%s; kernel B gets more memory from now on, and is loaded anew", outcome->message);
	return true;
}

/*
 * A warm kernel B may be there no more: one without KEXEC_JUMP is gone once it jumped back. Then
 * the jump returns at once, and a fresh one is loaded. So it is where it was short of memory.
 */
static int ask_with_retry(struct save *save, struct error *err)
{
	bool again, short_of;
	int ret, tries = 0;

	do {
		ret = keep_begin(&save->options->config, &save->loader, err);
		if (ret)
			return ret;
		again = !save->loader.load_start || save->loader.state.from_file;
		if (save->loader.load_start && !save->options->config.all)
			finder_tell(PATH_KCORE, PATH_IOMEM, PATH_ZONEINFO);
		ret = keep_end(&save->loader, ask(save, err), &save->outcome, err);
		loader_close(&save->loader);
		short_of = !ret && tries++ < MORE_TRIES && has_more_room(save);
		if (ret != -ESTALE && !short_of)
			return ret;
		/* It may have written an image before it was lost. */
		settle_went_on(&save->settle);
		if (ret && again)
			message("%s; loading it anew", err->text);
		ret = loader_drop(err);
	} while (!ret && (again || short_of));
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

static void report(const struct save *save)
{
	const struct report report = { &save->request, &save->outcome, save->back,
				       save->loader.state.from_file };
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	tell_done(&report);
	if (!memory)
		return;
	report_print(memory, &report);
	if (!fclose(memory)) {
		report_keep(text);
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
	report_keep(text);
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
		if (save->suspended.code) {
			report_failure(save, save->suspended.text, "; the image was given up");
			return EXIT_FAILED;
		}
		if (hibernate && !(save->request.flags & REQUEST_STAY_ON)) {
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
			       .operation = logind		     ? logind
					    : save->options->suspend ? "hybrid-sleep"
					    : hibernate		     ? "hibernate"
								     : "checkpoint",
			       .sleep = hibernate,
			       .seconds = HOOK_SECONDS };
	struct error err = { 0 };
	int ret, status = EXIT_FAILED;

	ask_fill(save, operation);
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
	if (!ret)
		keep_file(&save->options->config, &save->outcome, save->options->quiet);
	return status;
}

static int check_suspend(const struct options *options, struct error *err)
{
	if (options->dry_run)
		return error_set(err, EINVAL,
				 "--suspend: a dry run leaves no image to suspend with");
	return hybrid_supported(jump_choose(options->config.jump), PATH_MEM_SLEEP, err);
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
	if (loader_lock(&err) || quiesce_put_back() ||
	    (options->suspend && check_suspend(options, &err)) ||
	    preflight_run(&save->preflight, &err) ||
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
