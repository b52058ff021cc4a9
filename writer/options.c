/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of kjump-write. */
#include "writer/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/abi.h"
#include "common/error.h"
#include "common/version.h"
#include "writer/save.h"

#define VMCORE "vmcore:"

static const char help[] =
	"Usage: kjump-write [--source devmem]\n"
	"       kjump-write --source vmcore:FILE --output IMAGE [OPTION...]\n"
	"\n"
	"Save the memory of the machine that jumped into this kernel, as its mailbox asks: run by\n"
	"init of the image-writer kernel, which acts on the exit code. Or save a core file of a\n"
	"whole machine as an image, which can be read like any other, but never be restored.\n"
	"\n"
	"      --source SOURCE   devmem (default) or vmcore:FILE, an ELF core\n"
	"      --output IMAGE    file (made, and as large as it needs to be) or claimed device\n"
	"      --level N         zstd level, -20 to 19 (default: 1), 0: not compressed, or auto:\n"
	"                        as high as the device leaves time for\n"
	"      --workers N       compression threads (default: one for each CPU)\n"
	"      --all             save free pages too\n"
	"      --force           overwrite what IMAGE holds\n"
	"  -q, --quiet           no progress\n"
	"  -h, --help            show this and exit\n"
	"  -V, --version         show the version and exit\n"
	"\n"
	"Exit codes:\n"
	"   0  saved; devmem: power the machine off\n"
	"  10  devmem: saved, or a dry run: jump back\n"
	"   1  not saved; devmem: the mailbox says why, jump back\n"
	"   5  devmem: no valid request, nothing was written: jump back\n"
	"   2  wrong usage\n";

enum {
	OPT_SOURCE = 256,
	OPT_OUTPUT,
	OPT_LEVEL,
	OPT_WORKERS,
	OPT_ALL,
	OPT_FORCE,
};

static const struct option long_options[] = {
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "output", required_argument, NULL, OPT_OUTPUT },
	{ "level", required_argument, NULL, OPT_LEVEL },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int misuse(const char *text, const char *object)
{
	message("%s%s; try --help", text, object);
	return EXIT_USAGE;
}

static bool parse_number(const char *text, long min, long max, long *ret)
{
	char *end;

	errno = 0;
	*ret = strtol(text, &end, 10);
	return end != text && !*end && !errno && *ret >= min && *ret <= max;
}

static int parse_source(const char *text, struct write_options *ret)
{
	if (!strcmp(text, "devmem"))
		ret->vmcore = NULL;
	else if (!strncmp(text, VMCORE, strlen(VMCORE)) && text[strlen(VMCORE)])
		ret->vmcore = text + strlen(VMCORE);
	else
		return misuse("--source: neither devmem nor vmcore:FILE: ", text);
	return -1;
}

static int parse_level(const char *text, struct write_options *ret)
{
	long number = LEVEL_AUTO;

	if (strcmp(text, "auto") && !parse_number(text, LEVEL_MIN, LEVEL_MAX, &number))
		return misuse("--level: neither auto nor a number from -20 to 19: ", text);
	ret->level = (int)number;
	return -1;
}

static int parse_workers(const char *text, struct write_options *ret)
{
	long number;

	if (!parse_number(text, 1, SAVE_WORKERS_MAX, &number))
		return misuse("--workers: not a number from 1 to 256: ", text);
	ret->workers = (unsigned)number;
	return -1;
}

static int parse_option(int option, const char *word, struct write_options *ret)
{
	switch (option) {
	case OPT_SOURCE:
		return parse_source(optarg, ret);
	case OPT_OUTPUT:
		ret->output = optarg;
		return -1;
	case OPT_LEVEL:
		return parse_level(optarg, ret);
	case OPT_WORKERS:
		return parse_workers(optarg, ret);
	case OPT_ALL:
		ret->all = true;
		return -1;
	case OPT_FORCE:
		ret->force = true;
		return -1;
	case 'q':
		ret->quiet = true;
		return -1;
	case 'h':
		fputs(help, stdout);
		return EXIT_DONE;
	case 'V':
		puts("kjump-write " KJUMP_VERSION);
		return EXIT_DONE;
	default:
		return misuse("unknown option, or one without its argument: ", word);
	}
}

int write_options_parse(int argc, char **argv, struct write_options *ret)
{
	const struct write_options unset = { .level = LEVEL_DEFAULT };
	bool given = false;
	int option, code;

	*ret = unset;
	opterr = 0;
	optind = 0; /* getopt_long() starts afresh */
	while ((option = getopt_long(argc, argv, "qhV", long_options, NULL)) != -1) {
		code = parse_option(option, argv[optind - 1], ret);
		if (code >= 0)
			return code;
		given |= option != OPT_SOURCE;
	}
	if (optind < argc)
		return misuse("takes no arguments: ", argv[optind]);
	if (!ret->vmcore && given)
		return misuse("only --source vmcore:FILE takes options; the mailbox has them", "");
	if (ret->vmcore && !ret->output)
		return misuse("no --output", "");
	return -1;
}
