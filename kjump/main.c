/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump: hibernation and checkpoint by a second kernel. This is the command of the running system.
 */
#include <stdio.h>
#include <string.h>

#include "common/descriptors.h"
#include "common/version.h"
#include "kjump/completion.h"
#include "kjump/options.h"

static const struct command *const commands[] = {
	&cmd_format,	&cmd_check,   &cmd_load,   &cmd_unload, &cmd_hibernate, &cmd_checkpoint,
	&cmd_list,	&cmd_info,    &cmd_status, &cmd_verify, &cmd_export,	&cmd_discard,
	&cmd_initramfs, &cmd_history, &cmd_report, &cmd_setup,	&cmd_key,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

static void print_usage(FILE *out)
{
	fputs("usage: kjump COMMAND [OPTION...] [ARGUMENT...]\n\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
	fputs("  help        describe a command\n\n"
	      "Settings are in /etc/kjump.conf; see kjump(8) and kjump.conf(5).\n",
	      out);
}

static int print_command(const struct command *command)
{
	command_help(command);
	return EXIT_DONE;
}

static int unknown(const char *name)
{
	message("unknown command '%s'; try 'kjump --help'", name);
	return EXIT_USAGE;
}

static int print_version(void)
{
	puts("kjump " KJUMP_VERSION);
	return EXIT_DONE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct options options;
	int status = command_parse(command, argc, argv, &options);

	if (status)
		return status;
	if (options.help)
		return print_command(command);
	return options.version ? print_version() : command->run(&options);
}

static int help(const char *name)
{
	const struct command *command = name ? find_command(name) : NULL;

	if (!name || !strcmp(name, "help")) {
		print_usage(stdout);
		return EXIT_DONE;
	}
	return command ? print_command(command) : unknown(name);
}

static int dispatch(int argc, char **argv)
{
	const char *name = argv[1];
	const struct command *command = find_command(name);

	if (command)
		return run_command(command, argc - 1, argv + 1);
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return help(argv[2]);
	/* Not in the help: for `make`, which installs what this prints. */
	if (!strcmp(name, "--completion"))
		return completion_print(commands, COMMAND_COUNT, argv[2] ? argv[2] : "", stdout);
	if (strcmp(name, "--version") && strcmp(name, "-V"))
		return unknown(name);
	return print_version();
}

int main(int argc, char **argv)
{
	int status;

	descriptors_reserve();
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	status = dispatch(argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		message("standard output: cannot be written");
		status = status ? status : EXIT_FAILED;
	}
	return status;
}
