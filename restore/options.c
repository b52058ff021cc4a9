/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of kjump-restore. */
#include "restore/options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "restore/waiting.h"
#include "text/options.h"

#define WAIT_MAX 86400 /* a day */

static const char usage[] =
	"usage: kjump-restore [OPTION...] TARGET\n"
	"       kjump-restore --boot-on REASON TARGET\n"
	"       kjump-restore --ask SECONDS [--no-retry]\n"
	"       kjump-restore --count-reboot TARGET\n"
	"       kjump-restore --find|--waits TARGET\n"
	"       kjump-restore --parameter NAME [FILE...]\n"
	"       kjump-restore --unlock SECONDS -- COMMAND [ARGUMENT...]\n"
	"       kjump-restore --answer FIFO\n"
	"\n"
	"Put the machine that is saved on TARGET back in place of this one; does not return then.\n"
	"TARGET is UUID=, LABEL=, PARTUUID=, PARTLABEL=, UUID=...@N (a file) or a path. When an "
	"image cannot be "
	"restored,\n"
	"the reason is also printed on standard output.\n"
	"\n";
static const char exit_codes[] =
	"\n"
	"Exit codes: 0 checked, marked or found, 1 failed, 2 wrong usage, 3 no image to restore,\n"
	"4 stopped at the console, 6 no such device, 7 the image was marked stale: it can never "
	"be\n"
	"restored, 8 the image was handed over before and did not come back, and nothing has\n"
	"changed since: --again may do.\n";

/* What is too long is as long as can be: a boot must not go on at once because of that. */
static int set_seconds(void *field, size_t size, const char *value, struct error *err)
{
	size_t digits = strspn(value, "0123456789");
	unsigned long number = strtoul(value, NULL, 10);
	uint32_t *seconds = field;

	(void)size;
	if (!strcmp(value, "infinity"))
		*seconds = WAIT_FOREVER;
	else if (!digits || value[digits])
		return error_set(err, EINVAL, "'%.60s' is neither a number of seconds nor infinity",
				 value);
	else
		*seconds = number < WAIT_MAX ? (uint32_t)number : WAIT_MAX;
	return 0;
}

static int set_ask(void *field, size_t size, const char *value, struct error *err)
{
	struct restore_ask *ask = field;

	ask->given = true;
	return set_seconds(&ask->seconds, size, value, err);
}

static int set_reason(void *field, size_t size, const char *value, struct error *err)
{
	(void)size;
	if (!*value)
		return error_set(err, EINVAL, "empty reason");
	*(const char **)field = value;
	return 0;
}

/*
 * From the kernel command line as a rule, so a word that says nothing is no reason to end: what it
 * was to force may not be needed, and is refused by name otherwise.
 */
static int set_force(void *field, size_t size, const char *value, struct error *err)
{
	static const struct {
		const char *word;
		unsigned flag;
	} known[] = { { "devices", FORCE_DEVICES },
		      { "efi", FORCE_EFI },
		      { "older", FORCE_OLDER } };

	(void)size, (void)err;
	while (*value) {
		size_t length = strcspn(value, ",");
		unsigned flag = 0;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (length == strlen(known[i].word) &&
			    !strncmp(value, known[i].word, length))
				flag = known[i].flag;
		if (length && !flag)
			message("--force: \"%.*s\" is none of: devices, efi, older; ignored",
				(int)length, value);
		*(unsigned *)field |= flag;
		value += length + (value[length] == ',');
	}
	return 0;
}

/* From the kernel command line as well: a word that is no number is as none. */
static int set_cpus(void *field, size_t size, const char *value, struct error *err)
{
	size_t digits = strspn(value, "0123456789");
	unsigned long number = strtoul(value, NULL, 10);

	(void)size, (void)err;
	if (!digits || value[digits] || !number)
		message("--cpus: \"%.60s\" is no number of CPUs; ignored", value);
	else
		*(uint32_t *)field = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
	return 0;
}

static const struct key_type seconds = { set_seconds, NULL };
static const struct key_type cpus = { set_cpus, NULL };
static const struct key_type force = { set_force, NULL };
static const struct key_type ask = { set_ask, NULL };
static const struct key_type reason = { set_reason, NULL };

#define FIELD(name, type, field) KEY(name, type, struct restore_options, field)

static const struct option_entry entries[] = {
	{ FIELD("again", key_switch, again), 0, NULL,
	  "also restore an image that was handed over before,\nor failed twice" },
	{ FIELD("force", force, force), 0, "WHAT,...",
	  "restore although something differs: devices\n(disks, controllers), efi (its runtime "
	  "map), older (not the last\nimage)" },
	{ FIELD("key-fd", key_descriptor, key_fd), 0, "N",
	  "the restore key is what descriptor N holds: an open\ncontainer. Images that are not "
	  "sealed "
	  "are refused" },
	{ FIELD("unsealed", key_switch, unsealed), 0, NULL,
	  "restore an image that is not sealed, although there is\na key" },
	{ FIELD("cpus", cpus, cpus), 0, "N",
	  "put pages in place with N CPUs at most (default: all,\nup to 16)" },
	{ FIELD("retry", key_switch, retry), 0, NULL,
	  "somebody asked to try again: this is no attempt of a\nboot's" },
	{ FIELD("check", key_switch, check), 0, NULL,
	  "only say whether the image could be restored here\nand now: read all of it, acquire the "
	  "memory;\nchange nothing" },
	{ FIELD("quiet", key_switch, quiet), 'q', NULL, "no progress, errors only" },
	{ FIELD("wait", seconds, wait), 'w', "SECONDS",
	  "wait for the device that long (default 0); or infinity" },
	{ FIELD("boot-on", reason, boot_on), 0, "REASON",
	  "the boot goes on: mark a waiting image stale,\nwith the reason" },
	{ FIELD("ask", ask, ask), 0, "SECONDS",
	  "ask on all consoles what to do: print r (try again),\n"
	  "p (power off) or c (boot on), which is also the\nanswer of nobody" },
	{ FIELD("no-retry", key_switch, no_retry), 0, NULL,
	  "--ask: the image is lost, so r is no answer" },
	{ FIELD("count-reboot", key_switch, count_reboot), 0, NULL,
	  "the machine is to start anew because the image cannot\nbe restored: count it; fails "
	  "when that "
	  "was done three\ntimes already" },
	{ FIELD("waits", key_switch, waits), 0, NULL,
	  "print \"sealed\" or \"plain\", what image waits to be\nrestored; exit code 3 when none "
	  "does" },
	{ FIELD("find", key_switch, find), 0, NULL, "print the path of the device, nothing else" },
	{ FIELD("unlock", ask, unlock), 0, "SECONDS",
	  "ask for a passphrase on all consoles or by Plymouth,\n"
	  "and run COMMAND with it on its standard input, three\n"
	  "times at most while that ends with status 2" },
	{ FIELD("answer", key_pointer, answer), 0, "FIFO",
	  "write the passphrase that --unlock got, if there is one,\n"
	  "to the FIFO of whoever asks for one next" },
	{ FIELD("parameter", key_pointer, parameter), 0, "NAME",
	  "print the value of a kernel parameter, the last one in\n"
	  "the FILEs (default: /proc/cmdline); fails when there is\nnone" },
	{ FIELD("help", key_switch, help), 'h', NULL, "show this and exit" },
	{ FIELD("version", key_switch, version), 'V', NULL, "show the version and exit" },
};

static const struct option_table table = {
	.entries = entries,
	.count = sizeof(entries) / sizeof(*entries),
	.accepts = ~0ULL,
	.help = "kjump-restore --help",
};

static const struct option_texts texts = { "kjump-restore", usage, exit_codes };

int restore_options_parse(int argc, char **argv, struct restore_options *ret)
{
	struct options_given given;

	*ret = (struct restore_options){ 0 };
	if (options_collect(&table, argc, argv, &given) || options_apply(&table, &given, ret))
		return EXIT_USAGE;
	if (ret->help || ret->version)
		return options_show(&table, &texts, ret->version);
	if (ret->parameter) {
		ret->files = given.operands;
		ret->file_count = given.operand_count;
		return -1;
	}
	if (ret->boot_on && (ret->again || ret->check || ret->force || ret->cpus))
		return options_misuse(
			&table, "--boot-on does not go with --again, --check, --cpus or --force",
			"");
	if (ret->ask.given)
		return given.operand_count
			       ? options_misuse(&table,
						"--ask takes no TARGET: ", given.operands[0])
			       : -1;
	if (ret->answer)
		return given.operand_count
			       ? options_misuse(&table,
						"--answer takes no TARGET: ", given.operands[0])
			       : -1;
	if (ret->unlock.given && !given.operand_count)
		return options_misuse(&table, "--unlock without a COMMAND", "");
	ret->command = given.operands;
	if (ret->unlock.given)
		return -1;
	if (!given.operand_count)
		return options_misuse(&table, "no TARGET", "");
	if (given.operand_count > 1)
		return options_misuse(&table, "more than one TARGET: ", given.operands[1]);
	ret->target = given.operands[0];
	return -1;
}
