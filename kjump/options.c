/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of a command.
 */
#include "kjump/options.h"

#include <errno.h>
#include <string.h>

#include "kjump/paths.h"

/* A setting is applied as a line of the configuration file would be: by its name. */
static const struct key_type setting = { NULL, NULL };

#define FIELD(name, type, field) KEY(name, type, struct options, field)
#define SETTING(name)                                                                              \
	{                                                                                          \
		name, &setting, 0, 0                                                               \
	}

static const struct option_entry entries[OPTION_COUNT] = {
	[OPTION_ALL] = { SETTING("all"), 0, "[=no]", "save free pages as well" },
	[OPTION_ALLOW_PLAINTEXT] = { SETTING("allow-plaintext"), 0, "[=no]",
				     "save to a target in clear though disks are\nencrypted" },
	[OPTION_ALLOW_UNWATCHED] = { SETTING("allow-unwatched"), 0, "[=LIST]",
				     "all, or those in LIST, may change without being\nnoticed" },
	[OPTION_ALWAYS_BOOT] = { SETTING("always-boot"), 0, "[=no]",
				 "boot kernel B, though its memory is in a file" },
	[OPTION_ANYWAY] = { SETTING("anyway"), 0, "[=no]",
			    "save though the next boot would not restore, or\na device would be "
			    "lost" },
	[OPTION_BOOT] = { FIELD("boot", key_switch, boot), 0, NULL,
			  "note that this boot restored nothing, if there was\nsomething" },
	[OPTION_CMDLINE] = { SETTING("cmdline"), 0, "WORDS", "added to kernel B's command line" },
	[OPTION_COLOR] = { FIELD("color", color_key, color), 0, "[=WHEN]",
			   "colours: auto (on a terminal, and without NO_COLOR;\ndefault), "
			   "always or never" },
	[OPTION_CONFIG] = { FIELD("config", key_pointer, config_path), 0, "FILE",
			    "settings (default: /etc/kjump.conf)" },
	[OPTION_DRY_RUN] = { FIELD("dry-run", key_switch, dry_run), 0, NULL,
			     "do all of it but write nothing and go on; setup:\nsay what would "
			     "be changed" },
	[OPTION_FILE] = { FIELD("file", key_switch, file), 0, NULL,
			  "a file of a file system that is mounted, no device" },
	[OPTION_FORCE] = { FIELD("force", key_switch, force), 0, NULL,
			   "overwrite what the device holds" },
	[OPTION_FULL] = { FIELD("full", key_switch, full), 0, NULL,
			  "build on no image that is there: write all pages" },
	[OPTION_FULL_EVERY] = { SETTING("full-every"), 0, "N",
				"each N-th image is a full one (default: 20; 0:\nnever mind)" },
	[OPTION_HELP] = { FIELD("help", key_switch, help), 'h', NULL, "show this and exit" },
	[OPTION_HOME] = { SETTING("home"), 0, "SIZE",
			  "memory for kernel B, e.g. 128M (default: as it\nneeds)" },
	[OPTION_INITRAMFS] = { SETTING("initramfs"), 0, "FILE", "kernel B's initramfs" },
	[OPTION_JSON] = { FIELD("json", key_switch, json), 0, NULL,
			  "print the result as JSON; kjump(8) describes it" },
	[OPTION_JUMP] = { SETTING("jump"), 0, "HOW",
			  "module, kexec or auto: the module if it is there\n(default)" },
	[OPTION_KEEP] = { SETTING("keep"), 0, "N", "newest checkpoints that stay (default: 4)" },
	[OPTION_KEEP_FOR] = { SETTING("keep-for"), 0, "TIME",
			      "older checkpoints go, e.g. 36h or 7d (default:\nhowever old)" },
	[OPTION_KERNEL] = { SETTING("kernel"), 0, "FILE",
			    "kernel B (default: the running one, from /boot)" },
	[OPTION_KEY] = { FIELD("key", key_pointer, key), 0, "FILE",
			 "the restore key for a sealed image is in this\ncontainer, which is "
			 "opened "
			 "with cryptsetup" },
	[OPTION_KEY_FD] = { FIELD("key-fd", key_descriptor, key_fd), 0, "N",
			    "the restore key for a sealed image is what descriptor\nN holds "
			    "(default: the sender's key of this system)" },
	[OPTION_KEY_FILE] = { FIELD("key-file", key_pointer, key_file), 0, "FILE",
			      "all bytes of the passphrase; -: standard input" },
	[OPTION_LABEL] = { FIELD("label", key_pointer, label), 0, "TEXT",
			   "name of the device, at most 15 bytes" },
	[OPTION_LEVEL] = { SETTING("level"), 0, "N", "zstd level, -20 to 19, or auto (default)" },
	[OPTION_LOGIND] = { FIELD("logind", key_pointer, logind), 0, "SLEEP",
			    "logind does SLEEP, and has asked and told everybody" },
	[OPTION_OWN] = { FIELD("own", key_switch, own), 0, NULL,
			 "leave alone what somebody else loaded" },
	[OPTION_PLOT] = { FIELD("plot", key_pointer, plot), 0, "FILE",
			  "draw the phases of each as an SVG file" },
	[OPTION_QUIET] = { FIELD("quiet", key_switch, quiet), 'q', NULL,
			   "print nothing on success" },
	[OPTION_REHEARSE] = { SETTING("rehearse"), 0, "[=no]",
			      "freeze once for practice when kernel B is loaded\nfor the first "
			      "time" },
	[OPTION_REPLACE] = { FIELD("replace", key_switch, replace), 0, NULL,
			     "give up an image on the target that waits to be\nrestored" },
	[OPTION_SEAL] = { SETTING("seal"), 0, "[=no|auto]",
			  "encrypt and sign the image: yes, no, or auto: if\nthere is a key "
			  "(default)" },
	[OPTION_SIZE] = { FIELD("size", key_size, size), 0, "SIZE",
			  "--file: make the file, of e.g. 8G" },
	[OPTION_SUSPEND] = { FIELD("suspend", key_switch, suspend), 0, NULL,
			     "when it is saved, suspend to RAM instead of\npowering off" },
	[OPTION_TARGET] = { SETTING("target"), 0, "DEVICE",
			    "claimed device or file: UUID=, LABEL=, PARTUUID=,\nPARTLABEL=, "
			    "UUID=...@N or a path" },
	[OPTION_UNDO] = { FIELD("undo", key_switch, undo), 0, NULL,
			  "take back what it changed, all of it" },
	[OPTION_VERIFY] = { SETTING("verify"), 0, "[=no]",
			    "read the image back before calling it saved" },
	[OPTION_VERSION] = { FIELD("version", key_switch, version), 'V', NULL,
			     "show the version and exit" },
	[OPTION_WORKERS] = { SETTING("workers"), 0, "N",
			     "threads, at most one a CPU (default: one a CPU)" },
	[OPTION_YES] = { FIELD("yes", key_switch, yes), 'y', NULL, "ask nothing" },
};

struct option_table command_options(const struct command *command, char text[COMMAND_HELP_SIZE])
{
	snprintf(text, COMMAND_HELP_SIZE, "kjump help %s", command->name);
	return (struct option_table){ entries, OPTION_COUNT,
				      command->accepts | TAKES(HELP) | TAKES(VERSION), text };
}

static int read_config(const char *path, struct config *config)
{
	struct error err = { 0 };

	if (path)
		config->path = path;
	if (!config_read(config, config->path, &err))
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

/* Take the settings out of GIVEN and apply them; what remains are fields of struct options. */
static int apply_settings(const struct option_table *table, struct options_given *given,
			  struct config *config)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char name[SETTING_SIZE];
		struct error err = { 0 };

		if (!given->values[i] || entries[i].key.type != &setting)
			continue;
		setting_name(entries[i].key.name, name);
		if (config_set(config, name, given->values[i], &err)) {
			message("--%s; try '%s'", err.text, table->help);
			return EXIT_USAGE;
		}
		given->values[i] = NULL;
	}
	return EXIT_DONE;
}

static int take_operands(const struct command *command, const struct options_given *given,
			 const char *help, struct options *ret)
{
	int count = given->operand_count;

	if (count < command->operands_min || count > command->operands_max) {
		message("%s: %s; try '%s'", command->name,
			count < command->operands_min ? "an argument is missing"
						      : "too many arguments",
			help);
		return EXIT_USAGE;
	}
	for (int i = 0; i < count; i++) {
		/* A variable of a script that was never set. */
		if (!*given->operands[i]) {
			message("%s: argument %d is empty; try '%s'", command->name, i + 1, help);
			return EXIT_USAGE;
		}
		ret->operands[i] = given->operands[i];
	}
	return EXIT_DONE;
}

/* Two that say where one thing comes from. */
static int check_together(const struct options_given *given, const char *help)
{
	if (!given->values[OPTION_KEY] || !given->values[OPTION_KEY_FD])
		return EXIT_DONE;
	message("--key and --key-fd: the key comes from one of them; try '%s'", help);
	return EXIT_USAGE;
}

int command_parse(const struct command *command, int argc, char **argv, struct options *ret)
{
	char help[COMMAND_HELP_SIZE];
	const struct option_table table = command_options(command, help);
	struct options_given given;
	int status;

	memset(ret, 0, sizeof(*ret));
	config_default(&ret->config);
	status = options_collect(&table, argc, argv, &given);
	ret->help = !status && given.values[OPTION_HELP];
	ret->version = !status && given.values[OPTION_VERSION];
	if (status || ret->help || ret->version)
		return status;
	status = take_operands(command, &given, help, ret);
	if (!status)
		status = check_together(&given, help);
	if (!status && command->accepts & TAKES(CONFIG))
		status = read_config(given.values[OPTION_CONFIG], &ret->config);
	if (!status)
		status = apply_settings(&table, &given, &ret->config);
	if (!status)
		status = options_apply(&table, &given, ret);
	return status;
}

void command_help(const struct command *command)
{
	char help[COMMAND_HELP_SIZE];
	const struct option_table table = command_options(command, help);

	printf("usage: kjump %s [OPTION...]%s%s\n\n%s\n\n", command->name,
	       *command->operands ? " " : "", command->operands, command->about);
	options_print(&table, stdout);
}
