/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump history: what became of each save and restore.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/printable.h"
#include "kjump/event.h"
#include "kjump/options.h"
#include "kjump/paths.h"
#include "kjump/plot.h"
#include "text/files.h"
#include "text/human.h"
#include "text/journal.h"

#define SHOWN 40

static void print_event(const struct event *event, bool colored)
{
	const char *good = color_begin(colored, COLOR_GOOD), *end = color_end(colored);
	char time[HUMAN_SIZE], data[HUMAN_SIZE], written[HUMAN_SIZE];

	printf("%s  %-11s  ", human_time(event->time, time),
	       *event->operation ? event->operation : "boot");
	if (event->kind == EVENT_FAILED) {
		printf("%sfailed%s: %s\n", color_begin(colored, COLOR_BAD), end, event->cause);
	} else if (event->kind == EVENT_BOOTED_ON) {
		printf("%snot restored%s: %s\n", color_begin(colored, COLOR_DOUBT), end,
		       event->cause);
	} else {
		bool restored = event->kind == EVENT_RESTORED;

		printf("%s%-8s%s  %10s  %10s  saved %.1f s, %s %.1f s\n", good,
		       restored			    ? "restored"
		       : event->kind == EVENT_WOKEN ? "woken"
						    : "saved",
		       end, human_bytes(event->data_bytes, data),
		       human_bytes(event->written_bytes, written),
		       (double)event_saving_ms(event) / 1000, restored ? "restored" : "back",
		       (double)event_returning_ms(event) / 1000);
	}
}

/* What is there stays, as an export leaves it; a terminal or a pipe may be written to. */
static FILE *open_new(const char *path)
{
	struct stat st;

	return fopen(path, !stat(path, &st) && !S_ISREG(st.st_mode) ? "we" : "wxe");
}

static int plot(const struct event_list *list, const char *path)
{
	FILE *out = open_new(path);
	bool failed;

	if (!out) {
		message("%s: %s; nothing was written", path, strerror(errno));
		return EXIT_FAILED;
	}
	plot_print(out, list);
	failed = ferror(out);
	if (fclose(out) || failed) {
		message("%s: cannot be written whole", path);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

/* A word that the hook of the initramfs left (docs/boot.md); "" when there is none. */
static char *kept(const char *path, char *text, size_t size)
{
	if (file_read_start(path, text, size) < 0)
		*text = '\0';
	text[strcspn(text, "\n")] = '\0';
	return printable(text);
}

/* An image was given up, or should have been restored and was not. */
static int note_boot(void)
{
	char settled[16], outcome[32];
	struct event event = { .kind = EVENT_BOOTED_ON, .time = (uint64_t)time(NULL) };

	kept(PATH_BOOT_TARGET, event.target, sizeof(event.target));
	kept(PATH_BOOT_SETTLED, settled, sizeof(settled));
	kept(PATH_BOOT_OUTCOME, outcome, sizeof(outcome));
	if (!*event.target || (!*settled && strcmp(outcome, "failed") && strcmp(outcome, "absent")))
		return EXIT_DONE;
	kept(PATH_BOOT_REASON, event.cause, sizeof(event.cause));
	if (!*event.cause)
		snprintf(event.cause, sizeof(event.cause), "%s",
			 strcmp(outcome, "absent") ? "nothing tried to"
						   : "the device was not there");
	event_tell(&event, PATH_JOURNAL, PATH_HISTORY);
	return EXIT_DONE;
}

static int run(const struct options *options)
{
	const char *path = options->operands[0] ? options->operands[0] : PATH_HISTORY;
	struct error err = { 0 };
	struct event_list list;
	int status = EXIT_DONE;

	if (options->boot)
		return note_boot();
	if (event_read(path, SHOWN, &list, &err)) {
		if (err.code == ENOENT && !options->operands[0]) {
			puts("nothing was saved or restored yet");
			return EXIT_DONE;
		}
		message("%s", err.text);
		return EXIT_FAILED;
	}
	if (list.skipped)
		message("%s: %zu %s no event%s; left out", path, list.skipped,
			list.skipped == 1 ? "line is" : "lines are", list.skipped == 1 ? "" : "s");
	if (list.skipped && !list.count) {
		free(list.events);
		return EXIT_FAILED;
	}
	if (options->plot)
		status = plot(&list, options->plot);
	for (size_t i = 0; !options->plot && i < list.count; i++)
		print_event(&list.events[i], color_wanted(options->color, stdout));
	free(list.events);
	return status;
}

const struct command cmd_history = {
	.name = "history",
	.summary = "show what became of each save and restore",
	.operands = "[FILE]",
	.about = "Show the last saves and restores, one a line, or those in FILE, a copy of\n"
		 "/var/lib/kjump/history.jsonl.",
	.accepts = TAKES(BOOT) | TAKES(COLOR) | TAKES(PLOT),
	.operands_max = 1,
	.run = run,
};
