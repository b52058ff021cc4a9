/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A save as an event.
 */
#include "kjump/save/tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/safe.h"
#include "kjump/paths.h"
#include "text/human.h"
#include "text/journal.h"

#define HISTORY_LOOK_BACK 64

static uint64_t between(uint64_t from, uint64_t to, uint64_t khz)
{
	/* Whoever did not get there left no stamp. */
	return from && to > from && khz ? (to - from) / khz : 0;
}

static void set_times(const struct report *report, bool restored, uint64_t ms[PHASE_COUNT])
{
	const uint64_t *stamps = report->outcome->stamps;
	const uint64_t *restore = report->outcome->restore_ns;
	uint64_t khz = report->request->tsc_khz;

	ms[PHASE_LOADING] = between(stamps[STAMP_LOAD_START], stamps[STAMP_LOAD_END], khz);
	ms[PHASE_FREEZING] = between(stamps[STAMP_JUMP], stamps[STAMP_ENTERED], khz);
	ms[PHASE_STARTING] = between(stamps[STAMP_ENTERED], stamps[STAMP_INIT], khz);
	ms[PHASE_PREPARING] = between(stamps[STAMP_INIT], stamps[STAMP_SAVE_START], khz);
	ms[PHASE_SAVING] = between(stamps[STAMP_SAVE_START], stamps[STAMP_SAVE_END], khz);
	if (!restored) {
		ms[PHASE_LEAVING] = between(stamps[STAMP_SAVE_END], stamps[STAMP_BACK], khz);
		ms[PHASE_RESUMING] = between(stamps[STAMP_BACK], report->back, khz);
		return;
	}
	ms[PHASE_BOOTING] = restore[0] / 1000000;
	ms[PHASE_READING] = restore[1] / 1000000;
	ms[PHASE_MAKING_READY] = restore[2] / 1000000;
	ms[PHASE_PLACING] = between(stamps[STAMP_HANDOVER], report->back, khz);
}

static void begin_event(struct event *event, enum event_kind kind, enum operation operation,
			const char *target)
{
	*event = (struct event){ .kind = kind, .time = (uint64_t)time(NULL) };
	snprintf(event->operation, sizeof(event->operation), "%s", report_operation(operation));
	snprintf(event->target, sizeof(event->target), "%s", target);
}

bool tell_make(const struct report *report, struct event *ret)
{
	const struct outcome *outcome = report->outcome;
	bool restored = outcome->result == RESULT_RESTORED;
	char uuid[37];

	if (!restored && outcome->result != RESULT_SAVED)
		return false;
	begin_event(ret,
		    restored				       ? EVENT_RESTORED
		    : report->request->flags & REQUEST_STAY_ON ? EVENT_WOKEN
							       : EVENT_SAVED,
		    report->request->operation, report->request->target_name);
	if (!safe_is_zero(outcome->image, sizeof(outcome->image)))
		snprintf(ret->image, sizeof(ret->image), "%s", human_uuid(outcome->image, uuid));
	ret->data_bytes = outcome->data_pages * FRAME_SIZE;
	ret->written_bytes = outcome->bytes_written;
	set_times(report, restored, ret->ms);
	return true;
}

void tell_done(const struct report *report)
{
	struct event event;

	if (tell_make(report, &event))
		event_tell(&event, PATH_JOURNAL, PATH_HISTORY);
}

void tell_refused(enum operation operation, const char *target, const char *cause)
{
	struct event event;

	begin_event(&event, EVENT_FAILED, operation, target);
	snprintf(event.cause, sizeof(event.cause), "%s", cause);
	event_tell(&event, PATH_JOURNAL, PATH_HISTORY);
}

void tell_failed(const struct request *request, const char *cause)
{
	if (!(request->flags & REQUEST_DRY_RUN))
		tell_refused(request->operation, request->target_name, cause);
}

void tell_announce(FILE *out, const struct request *request, const char *history)
{
	const char *operation = report_operation(request->operation);
	bool checkpoint = request->operation == OP_CHECKPOINT;
	struct event_list list = { 0 };
	struct error ignored = { 0 };
	const struct event *last = NULL;
	char size[HUMAN_SIZE];

	fprintf(out, "%s: the screen stands still, %s; q or Esc on the console stops it\n",
		request->target_name,
		checkpoint ? "and the system goes on when it is saved"
		: request->flags & REQUEST_STAY_ON
			? "and the machine is suspended to RAM when it is saved"
			: "and the machine goes off when it is saved");
	if (!event_read(history, HISTORY_LOOK_BACK, &list, &ignored))
		last = event_last_success(&list, operation);
	if (last)
		fprintf(out, "The last %s took %.1f s for %s, and %s %.1f s.\n", operation,
			(double)event_saving_ms(last) / 1000, human_bytes(last->data_bytes, size),
			checkpoint ? "the way back" : "coming back",
			(double)event_returning_ms(last) / 1000);
	free(list.events);
	fflush(out);
}

void tell_begin(const struct request *request, bool quiet, const char *history)
{
	struct event event;

	if (request->flags & REQUEST_DRY_RUN)
		return;
	begin_event(&event, EVENT_SAVING, request->operation, request->target_name);
	event_tell(&event, PATH_JOURNAL, history);
	if (!quiet)
		tell_announce(stdout, request, history);
}
