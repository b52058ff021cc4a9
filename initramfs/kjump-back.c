/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump-back: in kernel B, jump back into A. Returns 0 when A has jumped into B again; where B's
 * kernel cannot be left behind (no KEXEC_JUMP) it never returns.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/abi.h"
#include "common/error.h"
#include "common/tsc.h"
#include "common/version.h"
#include "jump/jump.h"
#include "memory/manual.h"
#include "memory/platform.h"
#include "memory/symbols.h"
#include "text/cmdline.h"
#include "text/files.h"

static const char usage[] =
	"usage: kjump-back\n"
	"       kjump-back --module-options MODULE\n"
	"In kernel B: put the end of the kernel log into A's mailbox and jump back into A. Or "
	"print\n"
	"the options that the kernel's command line has for a module, one a line, for insmod.\n"
	"Exit codes: 0 A jumped here again, 1 the jump failed, 2 wrong usage.\n";

/*
 * Time and log go back into the mailbox whether its request was answered or not: where it was not,
 * the log is all that A learns.
 */
static void add_to_outcome(struct memory *memory, const struct handoff *handoff)
{
	struct error err;
	void *mapped;

	if (memory_map_rw(memory, handoff->mailbox_pfn << FRAME_SHIFT, MAILBOX_SIZE, &mapped,
			  &err) < 0)
		return;
	struct mailbox *mailbox = mapped;

	if (memory_mailbox_check(mailbox, handoff->nonce, &err) < 0)
		return;
	if (memory_log_store(mailbox, &err) < 0)
		message_error(&err, "kernel log not passed on to A");
	if (!jump_stays())
		mailbox->outcome.flags |= OUTCOME_B_GONE;
	mailbox->outcome.stamps[STAMP_BACK] = tsc_read();
}

static int go_back(struct error *err)
{
	struct memory *memory = NULL;
	struct handoff_view view = { 0 };
	struct jump_back back;
	struct runs home;
	int r;

	r = memory_open("/dev/mem", &memory, err);
	if (r < 0)
		return r;
	r = manual_or_handoff(memory, &manual_running, &view, err);
	if (r < 0)
		goto out;
	home = (struct runs){ .v = (struct run *)view.handoff->home,
			      .n = view.handoff->home_count };
	back = (struct jump_back){
		.entry = view.live->entry,
		.saved_context = view.handoff->saved_context,
		.s_cet = platform_s_cet(view.handoff->cpu_features),
		.home = &home,
		.thunk = view.handoff->home_start + HEAD_THUNK,
		.has_live_page = !view.manual,
	};
	/* Unknown is good enough for a B that reloads its GDT by itself, as all but old ones do. */
	if (memory_symbol_physical("/proc/kallsyms", "/proc/iomem", "saved_context",
				   &back.own_context, err) < 0)
		back.own_context = 0;
	if (!view.manual)
		add_to_outcome(memory, view.handoff);
	r = jump_back(&back, err);
out:
	manual_free(&view);
	memory_close(memory);
	return r;
}

/* The kernel leaves them to whoever loads a module; init, which does so, is a script. */
static int print_module_options(const char *module, struct error *err)
{
	char cmdline[CMDLINE_READ_SIZE], option[CMDLINE_READ_SIZE];
	const char *cursor = cmdline;
	int r = file_read("/proc/cmdline", cmdline, sizeof(cmdline), err);

	if (r < 0)
		return r;
	while (cmdline_option(&cursor, module, option, sizeof(option)))
		puts(option);
	return 0;
}

int main(int argc, char **argv)
{
	struct error err;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return EXIT_DONE;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("kjump-back " KJUMP_VERSION);
		return EXIT_DONE;
	}
	if (argc == 3 && strcmp(argv[1], "--module-options") == 0) {
		if (print_module_options(argv[2], &err) >= 0)
			return EXIT_DONE;
		message_error(&err, "options of %s are not known", argv[2]);
		return EXIT_FAILED;
	}
	if (argc != 1) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (go_back(&err) < 0) {
		message_error(&err, "jump back into A");
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}
