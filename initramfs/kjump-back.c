/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump-back: in kernel B, jump back into A. Returns 0 when A has jumped into B again; where B's
 * kernel cannot be left behind (no KEXEC_JUMP) it never returns.
 */
#include <stdbool.h>
#include <stdio.h>

#include "common/abi.h"
#include "common/descriptors.h"
#include "common/error.h"
#include "common/tsc.h"
#include "jump/jump.h"
#include "memory/manual.h"
#include "memory/platform.h"
#include "memory/symbols.h"
#include "text/cmdline.h"
#include "text/files.h"
#include "text/options.h"

static const char usage[] =
	"usage: kjump-back\n"
	"       kjump-back --module-options MODULE\n"
	"\n"
	"In kernel B: put the end of the kernel log into A's mailbox and jump back into A. Or "
	"print\n"
	"the options that the kernel's command line has for a module, one a line, for insmod.\n"
	"\n";
static const char exit_codes[] =
	"\nExit codes: 0 A jumped here again, 1 the jump failed, 2 wrong usage.\n";

struct back_options {
	const char *module; /* print its options, nothing else; or NULL */
	bool help, version;
};

#define FIELD(name, type, field) KEY(name, type, struct back_options, field)

static const struct option_entry entries[] = {
	{ FIELD("module-options", key_pointer, module), 0, "MODULE",
	  "print the options of a module, and do not jump" },
	{ FIELD("help", key_switch, help), 'h', NULL, "show this and exit" },
	{ FIELD("version", key_switch, version), 'V', NULL, "show the version and exit" },
};

static const struct option_table table = {
	.entries = entries,
	.count = sizeof(entries) / sizeof(*entries),
	.accepts = ~0ULL,
	.help = "kjump-back --help",
};

static const struct option_texts texts = { "kjump-back", usage, exit_codes };

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

/*
 * A has jumped here again, maybe another one, with this kernel out of a file: before anybody draws
 * a random number. What goes wrong here is tried once more by the writer, which does nothing
 * without.
 */
static void take_entropy(struct memory *memory)
{
	struct handoff_view view = { 0 };
	struct mailbox *mailbox;
	struct error err;
	uint64_t home;

	if (memory_home_address("/proc/cmdline", &home, &err) < 0 ||
	    memory_handoff(memory, home, &view, &err) < 0 ||
	    memory_mailbox(memory, view.handoff, &mailbox, &err) < 0 ||
	    memory_entropy_take(mailbox, "/dev/random", &err) < 0)
		message_error(&err, "no fresh random numbers yet");
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
	if (r == 0 && !view.manual)
		take_entropy(memory);
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
	struct back_options options = { 0 };
	struct options_given given;
	struct error err;

	descriptors_reserve();
	if (options_collect(&table, argc, argv, &given) || options_apply(&table, &given, &options))
		return EXIT_USAGE;
	if (options.help || options.version)
		return options_show(&table, &texts, options.version);
	if (given.operand_count)
		return options_misuse(&table, "takes no arguments: ", given.operands[0]);
	if (options.module) {
		if (print_module_options(options.module, &err) >= 0)
			return EXIT_DONE;
		message_error(&err, "options of %s are not known", options.module);
		return EXIT_FAILED;
	}
	if (go_back(&err) < 0) {
		message_error(&err, "jump back into A");
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}
