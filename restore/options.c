/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of kjump-restore. */
#include "restore/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/version.h"

#define WAIT_MAX 86400

static const char help[] =
	"Usage: kjump-restore [OPTIONS] TARGET\n"
	"       kjump-restore --boot-on REASON TARGET\n"
	"       kjump-restore --ask SECONDS\n"
	"Put the machine that is saved on TARGET back in place of this one; does not return then.\n"
	"TARGET is UUID=, LABEL=, PARTUUID=, PARTLABEL= or a path.\n"
	"\n"
	"      --again           also restore an image that was handed over before, or failed "
	"twice\n"
	"      --check           only say whether the image could be restored; change nothing\n"
	"  -q, --quiet           no progress, errors only\n"
	"  -w, --wait SECONDS    wait for the device that long (default 0)\n"
	"      --boot-on REASON  the boot goes on: mark a waiting image stale, with the reason\n"
	"      --ask SECONDS     ask on all consoles what to do: print r (try again), p (power "
	"off)\n"
	"                        or c (boot on), which is also the answer of nobody\n"
	"      --help            this text\n"
	"      --version         the version\n"
	"\n"
	"Exit codes: 0 checked or marked, 1 failed, 2 wrong usage, 3 no image to restore.\n";

enum {
	OPT_AGAIN = 256,
	OPT_CHECK,
	OPT_BOOT_ON,
	OPT_ASK,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "again", no_argument, NULL, OPT_AGAIN },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "quiet", no_argument, NULL, 'q' },
	{ "wait", required_argument, NULL, 'w' },
	{ "boot-on", required_argument, NULL, OPT_BOOT_ON },
	{ "ask", required_argument, NULL, OPT_ASK },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int misuse(const char *text, const char *object)
{
	message("%s%s; try --help", text, object);
	return EXIT_USAGE;
}

static int parse_seconds(const char *option, const char *text, unsigned *ret)
{
	unsigned long seconds;
	char *end;

	errno = 0;
	seconds = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || seconds > WAIT_MAX) {
		message("%s: not a number of seconds: %s; try --help", option, text);
		return EXIT_USAGE;
	}
	*ret = (unsigned)seconds;
	return -1;
}

static int parse_option(int option, const char *word, struct restore_options *ret)
{
	switch (option) {
	case OPT_AGAIN:
		ret->again = true;
		return -1;
	case OPT_CHECK:
		ret->check = true;
		return -1;
	case 'q':
		ret->quiet = true;
		return -1;
	case 'w':
		return parse_seconds("--wait", optarg, &ret->wait);
	case OPT_ASK:
		ret->ask = true;
		return parse_seconds("--ask", optarg, &ret->wait);
	case OPT_BOOT_ON:
		ret->boot_on = optarg;
		return -1;
	case OPT_HELP:
		fputs(help, stdout);
		return EXIT_DONE;
	case OPT_VERSION:
		puts("kjump-restore " KJUMP_VERSION);
		return EXIT_DONE;
	default:
		return misuse("unknown option, or one without its argument: ", word);
	}
}

int restore_options_parse(int argc, char **argv, struct restore_options *ret)
{
	int option, code;

	memset(ret, 0, sizeof(*ret));
	opterr = 0;
	while ((option = getopt_long(argc, argv, "qw:", long_options, NULL)) != -1) {
		code = parse_option(option, argv[optind - 1], ret);
		if (code >= 0)
			return code;
	}
	if (ret->boot_on && (ret->again || ret->check))
		return misuse("--boot-on does not go with --again or --check", "");
	if (ret->boot_on && !*ret->boot_on)
		return misuse("--boot-on: empty reason", "");
	if (ret->ask)
		return optind == argc ? -1 : misuse("--ask takes no TARGET: ", argv[optind]);
	if (optind == argc)
		return misuse("no TARGET", "");
	if (optind + 1 < argc)
		return misuse("more than one TARGET: ", argv[optind + 1]);
	ret->target = argv[optind];
	return -1;
}
