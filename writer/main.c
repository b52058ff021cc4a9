/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump-write: run by kernel B's init; saves kernel A's memory as the mailbox asks.
 */
#include <getopt.h>
#include <stdio.h>

#include "common/error.h"
#include "common/version.h"
#include "memory/memory.h"
#include "writer/request.h"

static const char usage[] =
	"Usage: kjump-write [OPTION]\n"
	"\n"
	"Save the memory of the machine that jumped into this kernel, as its mailbox asks.\n"
	"Run by init of the image-writer kernel, which acts on the exit code.\n"
	"\n"
	"  -h, --help     show this and exit\n"
	"  -V, --version  show the version and exit\n"
	"\n"
	"Exit codes:\n"
	"   0  saved: power the machine off\n"
	"  10  saved, or a dry run: jump back\n"
	"   1  not saved, the mailbox says why: jump back\n"
	"   5  no valid request, nothing was written: jump back\n"
	"   2  wrong usage\n";

static enum write_exit run(void)
{
	struct memory *memory = NULL;
	struct error err = { 0 };
	enum write_exit status;

	if (memory_open("/dev/mem", &memory, &err)) {
		message("%s; no request, nothing written", err.text);
		return WRITE_NO_REQUEST;
	}
	status = request_answer(memory, "/proc/cmdline", "/proc/consoles", REQUEST_WAIT_MS);
	memory_close(memory);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};

	switch (getopt_long(argc, argv, "hV", options, NULL)) {
	case -1:
		break;
	case 'h':
		fputs(usage, stdout);
		return 0;
	case 'V':
		puts("kjump-write " KJUMP_VERSION);
		return 0;
	default:
		fputs("Try 'kjump-write --help' for more information.\n", stderr);
		return WRITE_USAGE;
	}
	if (optind < argc) {
		message("%s: takes no arguments", argv[optind]);
		return WRITE_USAGE;
	}
	return run();
}
