/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands and their command lines. A command is a struct command in a file of its own
 * (commands/NAME.c) and a line in main.c.
 */
#ifndef KJUMP_OPTIONS_H
#define KJUMP_OPTIONS_H

#include <stdbool.h>

#include "kjump/config.h"
#include "text/color.h"
#include "text/options.h"

/* The options of all commands: entries of the table in options.c. */
enum option_index {
	OPTION_ALL,
	OPTION_ALLOW_PLAINTEXT,
	OPTION_ALLOW_UNWATCHED,
	OPTION_ALWAYS_BOOT,
	OPTION_ANYWAY,
	OPTION_BOOT,
	OPTION_CMDLINE,
	OPTION_COLOR,
	OPTION_CONFIG,
	OPTION_DRY_RUN,
	OPTION_FILE,
	OPTION_FORCE,
	OPTION_FULL,
	OPTION_FULL_EVERY,
	OPTION_HELP, /* always accepted */
	OPTION_HOME,
	OPTION_INITRAMFS,
	OPTION_JSON,
	OPTION_JUMP,
	OPTION_KEEP,
	OPTION_KEEP_FOR,
	OPTION_KERNEL,
	OPTION_KEY,
	OPTION_KEY_FD,
	OPTION_KEY_FILE,
	OPTION_LABEL,
	OPTION_LEVEL,
	OPTION_LOGIND,
	OPTION_OWN,
	OPTION_PLOT,
	OPTION_QUIET,
	OPTION_REHEARSE,
	OPTION_REPLACE,
	OPTION_SEAL,
	OPTION_SIZE,
	OPTION_SUSPEND,
	OPTION_TARGET,
	OPTION_UNDO,
	OPTION_VERIFY,
	OPTION_VERSION, /* always accepted */
	OPTION_WORKERS,
	OPTION_YES,
	OPTION_COUNT,
};

/* What a command accepts: TAKES(LABEL) | TAKES(FORCE) | ... */
#define TAKES(name) OPTION_BIT(OPTION_##name)

/* Groups of them. */
#define TAKES_LOAD                                                                                 \
	(TAKES(CONFIG) | TAKES(WORKERS) | TAKES(KERNEL) | TAKES(INITRAMFS) | TAKES(HOME) |         \
	 TAKES(JUMP) | TAKES(CMDLINE) | TAKES(ALWAYS_BOOT) | TAKES(QUIET))
#define TAKES_SAVE                                                                                 \
	(TAKES_LOAD | TAKES(TARGET) | TAKES(LEVEL) | TAKES(VERIFY) | TAKES(ALLOW_PLAINTEXT) |      \
	 TAKES(SEAL) | TAKES(ALLOW_UNWATCHED) | TAKES(ALL) | TAKES(DRY_RUN) | TAKES(REHEARSE) |    \
	 TAKES(REPLACE) | TAKES(FULL) | TAKES(FULL_EVERY) | TAKES(KEEP) | TAKES(KEEP_FOR))

#define OPERANDS_MAX 3

struct options {
	struct config config;	  /* file, then options; defaults where --config is not accepted */
	const char *config_path;  /* NULL when not given, as the others */
	const char *key;	  /* container that holds the restore key */
	struct descriptor key_fd; /* holds the restore key */
	const char *key_file;	  /* what the passphrase of a new one is read from */
	const char *label;
	const char *logind; /* what logind does, when it is its services that run this */
	const char *plot;
	enum color_when color;
	uint64_t size; /* of the file to be made; 0 when not given */
	bool boot, own, file, force, full, quiet, help, version, json, dry_run, replace, suspend,
		undo, yes;
	const char *operands[OPERANDS_MAX];
};

struct command {
	const char *name;
	const char *summary;  /* half a line */
	const char *operands; /* "[DEVICE]", or "" */
	const char *about;    /* what it does, in lines; the help adds the options */
	unsigned long long accepts;
	int operands_min, operands_max;
	int (*run)(const struct options *options); /* returns an exit code */
};

/*
 * Parse ARGV (from the command's name on) for COMMAND. Returns EXIT_DONE, or after a message
 * EXIT_USAGE, or EXIT_FAILED when the configuration file is not in order.
 */
int command_parse(const struct command *command, int argc, char **argv, struct options *ret);

#define COMMAND_HELP_SIZE 64

/* The table of COMMAND; TEXT, which must outlive it, holds what its messages advise to type. */
struct option_table command_options(const struct command *command, char text[COMMAND_HELP_SIZE]);

/* The help of COMMAND, on standard output. */
void command_help(const struct command *command);

extern const struct command cmd_format, cmd_load, cmd_unload, cmd_hibernate, cmd_checkpoint,
	cmd_info, cmd_status, cmd_discard, cmd_verify, cmd_export, cmd_check, cmd_initramfs,
	cmd_history, cmd_list, cmd_report, cmd_setup, cmd_key;

#endif
