/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events as sentences, entries of the journal and lines of a file.
 */
#include "kjump/event.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/printable.h"
#include "text/files.h"
#include "text/human.h"
#include "text/journal.h"
#include "text/json.h"

#define HISTORY_MAX (1 << 20)

struct kind {
	const char *name;	/* in the file */
	const char *message_id; /* sd-id128; systemd/kjump.catalog has them, too */
	const char *priority;	/* syslog(3) */
};

static const struct kind kinds[EVENT_COUNT] = {
	[EVENT_SAVING] = { "saving", "127c699d43af43ed85f5d58282f98892", "6" },
	[EVENT_RESTORED] = { "restored", "d3ff0fdc180248018ee36c677e861122", "5" },
	[EVENT_SAVED] = { "saved", "a43adb7c0a164f209de6237e05059add", "6" },
	[EVENT_WOKEN] = { "woken", "5f1c3ad0c7ad4d6e9a1f5f2d2b7e8c46", "5" },
	[EVENT_FAILED] = { "failed", "2d8e075a4f3a4f91b202b7a06eeece31", "3" },
	[EVENT_BOOTED_ON] = { "booted on", "d9d4b1ab499147598c7910bc195b7b8f", "4" },
};

static const char *const phases[PHASE_COUNT] = {
	[PHASE_LOADING] = "loading",   [PHASE_FREEZING] = "freezing",
	[PHASE_STARTING] = "starting", [PHASE_PREPARING] = "preparing",
	[PHASE_SAVING] = "saving",     [PHASE_LEAVING] = "leaving",
	[PHASE_RESUMING] = "resuming", [PHASE_BOOTING] = "booting",
	[PHASE_READING] = "reading",   [PHASE_MAKING_READY] = "making_ready",
	[PHASE_PLACING] = "placing",
};

const char *event_phase_name(enum event_phase phase)
{
	return phases[phase];
}

static uint64_t sum(const struct event *event, enum event_phase from, enum event_phase to)
{
	uint64_t ms = 0;

	for (enum event_phase phase = from; phase <= to; phase++)
		ms += event->ms[phase];
	return ms;
}

uint64_t event_saving_ms(const struct event *event)
{
	return sum(event, PHASE_LOADING, PHASE_SAVING);
}

uint64_t event_returning_ms(const struct event *event)
{
	return sum(event, PHASE_LEAVING, PHASE_PLACING);
}

char *event_describe(const struct event *event, char *text, size_t size)
{
	char data[HUMAN_SIZE];
	double saving = (double)event_saving_ms(event) / 1000;
	double returning = (double)event_returning_ms(event) / 1000;

	human_bytes(event->data_bytes, data);
	switch (event->kind) {
	case EVENT_SAVING:
		snprintf(text, size, "%s to %s begins", event->operation, event->target);
		break;
	case EVENT_RESTORED:
		snprintf(text, size, "%s restored from %s: %s, saved in %.1f s, restored in %.1f s",
			 event->operation, event->target, data, saving, returning);
		break;
	case EVENT_SAVED:
		snprintf(text, size, "%s saved on %s: %s in %.1f s", event->operation,
			 event->target, data, saving + returning);
		break;
	case EVENT_WOKEN:
		snprintf(
			text, size,
			"woken up from RAM; the image of the %s on %s was not needed: %s, saved in "
			"%.1f s",
			event->operation, event->target, data, saving);
		break;
	case EVENT_FAILED:
		snprintf(text, size, "%s failed, nothing was saved: %s", event->operation,
			 event->cause);
		break;
	default:
		snprintf(text, size, "booted on without restoring what is on %s: %s", event->target,
			 event->cause);
		break;
	}
	return text;
}

static void tell_journal(const struct event *event, const char *journal)
{
	char text[1024], saving[HUMAN_SIZE] = "", returning[HUMAN_SIZE] = "";
	const struct journal_field fields[] = {
		{ "MESSAGE", event_describe(event, text, sizeof(text)) },
		{ "MESSAGE_ID", kinds[event->kind].message_id },
		{ "PRIORITY", kinds[event->kind].priority },
		{ "SYSLOG_IDENTIFIER", "kjump" },
		{ "KJUMP_OPERATION", event->operation },
		{ "KJUMP_TARGET", event->target },
		{ "KJUMP_IMAGE", event->image },
		{ "KJUMP_CAUSE", event->cause },
		{ "KJUMP_SAVING_MS", saving },
		{ "KJUMP_RETURNING_MS", returning },
	};

	if (event_saving_ms(event))
		snprintf(saving, sizeof(saving), "%" PRIu64, event_saving_ms(event));
	if (event_returning_ms(event))
		snprintf(returning, sizeof(returning), "%" PRIu64, event_returning_ms(event));
	/* A system without a journal, or one that is restarted just now, is none the worse for it.
	 */
	journal_send(journal, fields, sizeof(fields) / sizeof(*fields));
}

static void put_text(struct json *json, const char *name, const char *text)
{
	if (*text)
		json_text(json, name, text, strlen(text));
}

/* One line; the caller frees it. NULL when there is no memory. */
static char *make_line(const struct event *event)
{
	char *line = NULL;
	size_t size;
	struct json json = { .out = open_memstream(&line, &size), .line = true };

	if (!json.out)
		return NULL;
	json_begin(&json, NULL);
	json_number(&json, "time", event->time);
	put_text(&json, "event", kinds[event->kind].name);
	put_text(&json, "operation", event->operation);
	put_text(&json, "target", event->target);
	put_text(&json, "image", event->image);
	put_text(&json, "cause", event->cause);
	if (event->data_bytes)
		json_number(&json, "data_bytes", event->data_bytes);
	if (event->written_bytes)
		json_number(&json, "written_bytes", event->written_bytes);
	json_begin(&json, "ms");
	for (size_t i = 0; i < PHASE_COUNT; i++) {
		if (event->ms[i])
			json_number(&json, phases[i], event->ms[i]);
	}
	json_end(&json);
	json_end(&json);
	if (fclose(json.out)) {
		free(line);
		return NULL;
	}
	return line;
}

static int append(const char *history, const char *line, struct error *err)
{
	size_t size = strlen(line);
	int fd, ret = 0;

	/* They may have gone with everything that was made in them. */
	file_make_folders(history);
	fd = open(history, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, line, size) != (ssize_t)size)
		ret = error_errno(err, "%s", history);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* The whole file, for one that is not larger than twice HISTORY_MAX; the caller frees it. */
static char *read_all(const char *history, struct error *err)
{
	size_t size = 2 * HISTORY_MAX;
	char *text = malloc(size);
	ssize_t got;

	if (!text) {
		error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	got = file_read_bytes(history, text, size - 1);
	if (got < 0) {
		error_set(err, (int)-got, "%s: %s", history, strerror((int)-got));
		free(text);
		return NULL;
	}
	text[got] = '\0';
	return text;
}

/* Keep the lines of the later half. */
static int trim(const char *history, struct error *err)
{
	struct stat stat_now;
	const char *half;
	char *text;
	int ret;

	if (stat(history, &stat_now) || stat_now.st_size < HISTORY_MAX)
		return 0;
	text = read_all(history, err);
	if (!text)
		return -err->code;
	half = strchr(text + strlen(text) / 2, '\n');
	ret = half ? file_replace(history, half + 1, err) : 0;
	if (!ret && half)
		chmod(history, 0644);
	free(text);
	return ret;
}

void event_tell(const struct event *event, const char *journal, const char *history)
{
	struct error err = { 0 };
	char *line;

	tell_journal(event, journal);
	if (event->kind == EVENT_SAVING)
		return;
	line = make_line(event);
	if (!line)
		message("out of memory; the history lacks this");
	else if (trim(history, &err) || append(history, line, &err))
		message("%s; the history lacks this", err.text);
	free(line);
}

static bool parse(const char *line, struct event *event)
{
	char name[24];

	memset(event, 0, sizeof(*event));
	if (!json_find_text(line, "event", name, sizeof(name)) ||
	    !json_find_number(line, "time", &event->time))
		return false;
	while (event->kind < EVENT_COUNT && strcmp(kinds[event->kind].name, name))
		event->kind++;
	if (event->kind == EVENT_COUNT)
		return false;
	json_find_text(line, "operation", event->operation, sizeof(event->operation));
	json_find_text(line, "target", event->target, sizeof(event->target));
	json_find_text(line, "image", event->image, sizeof(event->image));
	json_find_text(line, "cause", event->cause, sizeof(event->cause));
	json_find_number(line, "data_bytes", &event->data_bytes);
	json_find_number(line, "written_bytes", &event->written_bytes);
	for (size_t i = 0; i < PHASE_COUNT; i++)
		json_find_number(line, phases[i], &event->ms[i]);
	/* The file may come from elsewhere. */
	printable(event->operation);
	printable(event->target);
	printable(event->image);
	printable(event->cause);
	return true;
}

int event_read(const char *history, size_t max, struct event_list *ret, struct error *err)
{
	char *save = NULL, *text = read_all(history, err);
	struct event event;

	*ret = (struct event_list){ .events = calloc(max, sizeof(*ret->events)) };
	if (text && !ret->events)
		error_set(err, ENOMEM, "out of memory");
	if (!text || !ret->events) {
		free(text);
		free(ret->events);
		ret->events = NULL;
		return -err->code;
	}
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!parse(line, &event)) {
			ret->skipped += line[strspn(line, " \t\r")] != '\0';
			continue;
		}
		if (ret->count == max)
			memmove(ret->events, ret->events + 1, --ret->count * sizeof(event));
		ret->events[ret->count++] = event;
	}
	free(text);
	return 0;
}

const struct event *event_last_success(const struct event_list *list, const char *operation)
{
	for (size_t i = list->count; i-- > 0;) {
		const struct event *event = &list->events[i];

		if (!strcmp(event->operation, operation) && event_saving_ms(event) &&
		    (event->kind == EVENT_RESTORED || event->kind == EVENT_SAVED))
			return event;
	}
	return NULL;
}
