/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of a command.
 */
#include "kjump/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "kjump/paths.h"

/* Index = number of the bit in enum option_bit. */
static const struct option table[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "config", required_argument, NULL, 0 },
	{ "target", required_argument, NULL, 0 },
	{ "level", required_argument, NULL, 0 },
	{ "workers", required_argument, NULL, 0 },
	{ "verify", optional_argument, NULL, 0 },
	{ "kernel", required_argument, NULL, 0 },
	{ "initramfs", required_argument, NULL, 0 },
	{ "home", required_argument, NULL, 0 },
	{ "cmdline", required_argument, NULL, 0 },
	{ "label", required_argument, NULL, 0 },
	{ "force", no_argument, NULL, 0 },
	{ "quiet", no_argument, NULL, 'q' },
	{ "allow-plaintext", optional_argument, NULL, 0 },
	{ "json", no_argument, NULL, 0 },
	{ "all", optional_argument, NULL, 0 },
	{ "dry-run", no_argument, NULL, 0 },
	{ "rehearse", optional_argument, NULL, 0 },
	{ NULL, 0, NULL, 0 },
};

#define OPTION_COUNT (sizeof(table) / sizeof(*table) - 1)

/* The options that are settings: given to config_set() under their name. */
#define SETTINGS                                                                                   \
	(OPTION_TARGET | OPTION_LEVEL | OPTION_WORKERS | OPTION_VERIFY | OPTION_KERNEL |           \
	 OPTION_INITRAMFS | OPTION_HOME | OPTION_CMDLINE | OPTION_ALLOW_PLAINTEXT | OPTION_ALL |   \
	 OPTION_REHEARSE)

static int option_index(int character, int index)
{
	for (size_t i = 0; character && i < OPTION_COUNT; i++) {
		if (table[i].val == character)
			return (int)i;
	}
	return index;
}

/* Fill VALUES, one for each entry of the table; "" for an option without an argument. */
static int collect(const struct command *command, int argc, char **argv,
		   const char *values[OPTION_COUNT])
{
	int character, index = 0;

	opterr = 0;
	optind = 1;
	while ((character = getopt_long(argc, argv, ":hq", table, &index)) != -1) {
		if (character == ':' || character == '?') {
			message("%s: option '%s' %s; try 'kjump help %s'", command->name,
				argv[optind - 1],
				character == ':' ? "needs a value"
						 : "is not known, or takes no value",
				command->name);
			return EXIT_USAGE;
		}
		index = option_index(character, index);
		if (!(command->accepts & 1U << index) && index != 0) {
			message("%s: --%s has no meaning here; try 'kjump help %s'", command->name,
				table[index].name, command->name);
			return EXIT_USAGE;
		}
		values[index] = optarg ? optarg : "";
	}
	return EXIT_DONE;
}

static int read_config(const char *path, struct config *config)
{
	struct error err = { 0 };

	if (!config_read(config, path ? path : PATH_CONFIG, &err))
		return EXIT_DONE;
	/* The file in /etc may be absent, one that was named may not. */
	if (err.code == ENOENT && !path)
		return EXIT_DONE;
	message("%s; nothing was done", err.text);
	return EXIT_FAILED;
}

#define SETTING_SIZE 32

/* Options have dashes where the keys of the file have underscores. */
static void setting_name(const char *option, char ret[SETTING_SIZE])
{
	snprintf(ret, SETTING_SIZE, "%s", option);
	for (char *c = ret; *c; c++) {
		if (*c == '-')
			*c = '_';
	}
}

static int apply_settings(const struct command *command, const char *const values[OPTION_COUNT],
			  struct config *config)
{
	struct error err = { 0 };

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const char *value = values[i];
		char name[SETTING_SIZE];

		if (!value || !(SETTINGS & 1U << i))
			continue;
		if (table[i].has_arg == optional_argument && !*value)
			value = "yes";
		setting_name(table[i].name, name);
		if (config_set(config, name, value, &err)) {
			message("%s: --%s; try 'kjump help %s'", command->name, err.text,
				command->name);
			return EXIT_USAGE;
		}
	}
	return EXIT_DONE;
}

static int take_operands(const struct command *command, int argc, char **argv, struct options *ret)
{
	int count = argc - optind;

	if (count < command->operands_min || count > command->operands_max) {
		message("%s: %s; try 'kjump help %s'", command->name,
			count < command->operands_min ? "an argument is missing"
						      : "too many arguments",
			command->name);
		return EXIT_USAGE;
	}
	for (int i = 0; i < count; i++)
		ret->operands[i] = argv[optind + i];
	return EXIT_DONE;
}

int options_parse(const struct command *command, int argc, char **argv, struct options *ret)
{
	const char *values[OPTION_COUNT] = { NULL };
	int status;

	memset(ret, 0, sizeof(*ret));
	config_default(&ret->config);
	status = collect(command, argc, argv, values);
	if (status)
		return status;
	ret->help = values[0];
	if (ret->help)
		return EXIT_DONE;
	ret->label = values[__builtin_ctz(OPTION_LABEL)];
	ret->force = values[__builtin_ctz(OPTION_FORCE)];
	ret->quiet = values[__builtin_ctz(OPTION_QUIET)];
	ret->json = values[__builtin_ctz(OPTION_JSON)];
	ret->dry_run = values[__builtin_ctz(OPTION_DRY_RUN)];
	status = take_operands(command, argc, argv, ret);
	if (!status && command->accepts & OPTION_CONFIG)
		status = read_config(values[__builtin_ctz(OPTION_CONFIG)], &ret->config);
	if (!status)
		status = apply_settings(command, values, &ret->config);
	return status;
}
