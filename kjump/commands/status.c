/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump status: kernel B, mailbox, target and the last result.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "jump/jump.h"
#include "kjump/check/checks.h"
#include "kjump/device.h"
#include "kjump/event.h"
#include "kjump/load/mailbox.h"
#include "kjump/load/state.h"
#include "kjump/paths.h"
#include "memory/memory.h"
#include "text/files.h"
#include "text/human.h"
#include "text/meminfo.h"

#define LAST_SIZE 4096
#define LOOK_BACK 64

/* Seconds for BYTES where MS milliseconds went by for as many as DONE. */
static double time_for(uint64_t bytes, uint64_t ms, uint64_t done)
{
	return (double)bytes * (double)ms / (double)done / 1000;
}

static void show_kernel(const struct state *state, const struct error *record)
{
	char size[HUMAN_SIZE];

	if (!jump_loaded() && jump_hidden(JUMP_DEVICE) && record->code == EACCES)
		puts("kernel B  loaded; only root may look at it");
	else if (!jump_loaded())
		puts(jump_hidden(JUMP_DEVICE) ? "kernel B  only root may look whether it is loaded"
					      : "kernel B  not loaded");
	else if (record->code == ENOENT)
		puts("kernel B  something is loaded, not by kjump");
	else if (record->code == EACCES)
		puts("kernel B  loaded; only root may look at it");
	else if (record->code)
		printf("kernel B  loaded; %s\n", record->text);
	else
		printf("kernel B  loaded: home %s at 0x%" PRIx64 "\n"
		       "          %s, %s\n"
		       "          %s%s\n"
		       "jump      by %s\n",
		       human_bytes(state->home_size, size), state->home_start, state->kernel,
		       state->initramfs, state->from_file ? "taken from " PATH_KEPT : "booted: ",
		       state->from_file ? "" : state->why, jump_named(state->jump)->name);
}

static void show_mailbox(const struct state *state)
{
	struct mailbox_page page;
	struct error err = { 0 };

	if (mailbox_open(&page, &err)) {
		printf("mailbox   %s\n", err.code == ENOENT ? "none" : err.text);
		return;
	}
	if (page.pfn != state->mailbox_pfn)
		printf("mailbox   moved to frame 0x%" PRIx64
		       "; the next jump loads kernel B anew\n",
		       page.pfn);
	else if (memory_mailbox_check(page.mailbox, state->nonce, &err))
		printf("mailbox   %s; the next jump loads kernel B anew\n", err.text);
	else
		printf("mailbox   frame 0x%" PRIx64 ", %" PRIu64 " requests so far\n", page.pfn,
		       page.mailbox->sequence);
	mailbox_close(&page);
}

static void show_target(const struct config *config)
{
	struct image_super super;
	struct error err = { 0 };
	struct disk disk;
	char image[256];

	if (!*config->target) {
		printf("target    none set in %s\n", config->path);
		return;
	}
	if (device_open(config->target, DISK_READ, &disk, &super, &err)) {
		printf("target    %s\n", err.text);
		return;
	}
	printf("target    %s: %s\n", disk.name, image_describe(&super, image, sizeof(image)));
	disk_close(&disk);
}

/* What is in use now, and the time that as much took in the last hibernation. */
static void show_now(const struct event_list *list)
{
	const struct event *last = event_last_success(list, "hibernation");
	struct error ignored = { 0 };
	struct meminfo memory;
	char size[HUMAN_SIZE];
	uint64_t used;

	if (meminfo_read(PATH_MEMINFO, &memory, &ignored))
		return;
	used = memory.total - memory.free;
	printf("now       at most %s to save", human_bytes(used, size));
	if (last && last->data_bytes)
		printf(": about %.0f s, and %.0f s to come back",
		       time_for(used, event_saving_ms(last), last->data_bytes),
		       time_for(used, event_returning_ms(last), last->data_bytes));
	putchar('\n');
}

/* Since the boot with all figures; what was before in a line. UNREADABLE: why that is not known. */
static void show_last(const struct event_list *list, const struct error *unreadable)
{
	struct error err = { 0 };
	char text[LAST_SIZE], when[HUMAN_SIZE];
	const struct event *last;

	if (!file_read(PATH_LAST, text, sizeof(text), &err)) {
		printf("last      %s\n", text);
	} else if (err.code != ENOENT && err.code != EACCES) {
		printf("last      %s\n", err.text);
	} else if (list->count) {
		last = &list->events[list->count - 1];
		printf("last      %s: %s\n", human_time(last->time, when),
		       event_describe(last, text, sizeof(text)));
	} else if (unreadable->code && unreadable->code != ENOENT) {
		printf("last      %s\n", unreadable->text);
	} else {
		puts("last      nothing yet");
	}
}

static int run(const struct options *options)
{
	struct state state;
	struct event_list list = { 0 };
	struct error err = { 0 }, unreadable = { 0 };

	event_read(PATH_HISTORY, LOOK_BACK, &list, &unreadable);
	state_read(PATH_STATE, &state, &err);
	show_kernel(&state, &err);
	if (!err.code)
		show_mailbox(&state);
	show_target(&options->config);
	if (check_is_left(PATH_SWITCHED, PATH_PROC))
		puts("left      a kjump that was killed left CPUs or wake-ups switched off; the "
		     "next save or 'kjump load' puts them back");
	show_now(&list);
	show_last(&list, &unreadable);
	free(list.events);
	return EXIT_DONE;
}

const struct command cmd_status = {
	.name = "status",
	.summary = "show kernel B, the target and the last result",
	.operands = "",
	.about = "Show whether kernel B is loaded, what the target holds and how the last jump\n"
		 "went.",
	.accepts = TAKES(CONFIG) | TAKES(TARGET),
	.run = run,
};
