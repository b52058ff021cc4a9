/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands and their command lines. A command is a struct command in a file of its own
 * (commands/NAME.c) and a line in main.c.
 */
#ifndef KJUMP_OPTIONS_H
#define KJUMP_OPTIONS_H

#include <stdbool.h>

#include "kjump/config.h"

/* What a command accepts; bit N is entry N of the table in options.c. */
enum option_bit {
	OPTION_HELP = 1 << 0, /* always accepted */
	OPTION_CONFIG = 1 << 1,
	OPTION_TARGET = 1 << 2,
	OPTION_LEVEL = 1 << 3,
	OPTION_WORKERS = 1 << 4,
	OPTION_VERIFY = 1 << 5,
	OPTION_KERNEL = 1 << 6,
	OPTION_INITRAMFS = 1 << 7,
	OPTION_HOME = 1 << 8,
	OPTION_CMDLINE = 1 << 9,
	OPTION_LABEL = 1 << 10,
	OPTION_FORCE = 1 << 11,
	OPTION_QUIET = 1 << 12,
	OPTION_ALLOW_PLAINTEXT = 1 << 13,
	OPTION_JSON = 1 << 14,
	OPTION_ALL = 1 << 15,
	OPTION_DRY_RUN = 1 << 16,
	OPTION_REHEARSE = 1 << 17,
};

/* Groups of them. */
#define OPTIONS_LOAD                                                                               \
	(OPTION_CONFIG | OPTION_WORKERS | OPTION_KERNEL | OPTION_INITRAMFS | OPTION_HOME |         \
	 OPTION_CMDLINE | OPTION_QUIET)
#define OPTIONS_SAVE                                                                               \
	(OPTIONS_LOAD | OPTION_TARGET | OPTION_LEVEL | OPTION_VERIFY | OPTION_ALLOW_PLAINTEXT |    \
	 OPTION_ALL | OPTION_DRY_RUN | OPTION_REHEARSE)

/* What they mean, for the usage of the commands. */
#define LOAD_USAGE                                                                                 \
	"  --kernel FILE     kernel B (default: the running one, from /boot)\n"                    \
	"  --initramfs FILE  its initramfs\n"                                                      \
	"  --home SIZE       memory for kernel B, e.g. 128M (default: as it needs)\n"              \
	"  --workers N       CPUs that kernel B uses (default: all, at most 16)\n"                 \
	"  --cmdline WORDS   added to kernel B's command line\n"                                   \
	"  --config FILE     settings (default: /etc/kjump.conf)\n"                                \
	"  -q, --quiet       print nothing on success\n"
#define SAVE_USAGE                                                                                 \
	"  --target DEVICE   claimed device: UUID=, LABEL=, PARTUUID=, PARTLABEL= or a path\n"     \
	"  --level N         zstd level, -20 to 19 (default: 1), or auto\n"                        \
	"  --verify[=no]     read the image back before calling it saved\n"                        \
	"  --all[=no]        save free pages as well\n"                                            \
	"  --dry-run         do all of it but write nothing and go on\n"                           \
	"  --allow-plaintext save to a target in clear though disks are encrypted\n"               \
	"  --rehearse=no     do not freeze once for practice before the first jump of a "          \
	"boot\n" LOAD_USAGE

#define OPERANDS_MAX 2

struct options {
	struct config config; /* file, then options; defaults where OPTION_CONFIG is not accepted */
	const char *label;    /* NULL when not given */
	bool force, quiet, help, json, dry_run;
	const char *operands[OPERANDS_MAX]; /* NULL when not given */
};

struct command {
	const char *name;
	const char *summary; /* half a line */
	const char *usage;   /* "[--force] DEVICE", then what each option does */
	unsigned accepts;    /* OPTION_* */
	int operands_min, operands_max;
	int (*run)(const struct options *options); /* returns an exit code */
};

/*
 * Parse ARGV (from the command's name on) for COMMAND. Returns EXIT_DONE, or after a message
 * EXIT_USAGE, or EXIT_FAILED when the configuration file is not in order.
 */
int options_parse(const struct command *command, int argc, char **argv, struct options *ret);

extern const struct command cmd_format, cmd_load, cmd_unload, cmd_hibernate, cmd_checkpoint,
	cmd_info, cmd_status, cmd_discard, cmd_verify, cmd_export, cmd_check;

#endif
