/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump report: one file for whoever looks for a fault.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "kjump/options.h"
#include "kjump/report/report.h"
#include "text/human.h"

static int write_report(const struct options *options, const char *path, FILE *out)
{
	struct report report = {
		.out = out,
		.root = "",
		.config = &options->config,
		.checks = preflight_checks,
	};
	struct error err = { 0 };
	char size[HUMAN_SIZE];
	int rc = report_write(&report, &err);
	const long length = ftell(out);

	redact_free(&report.redact);
	if (fclose(out) && !rc)
		rc = error_errno(&err, "cannot be written whole");
	if (rc) {
		unlink(path);
		message("%s: %s; nothing was written", path, err.text);
		return EXIT_FAILED;
	}
	printf("%s: %s; look through it before you send it: names, addresses and serial numbers\n"
	       "were taken out as far as this machine knows them\n",
	       path, human_bytes((uint64_t)length, size));
	if (geteuid() == 0)
		return EXIT_DONE;
	message("only root may look at everything; run it as root");
	return EXIT_FAILED;
}

static int run(const struct options *options)
{
	char path[64];
	const char *name = options->operands[0];
	time_t now = time(NULL);
	struct tm parts;
	FILE *out;
	int fd;

	strftime(path, sizeof(path), "kjump-report-%Y%m%d-%H%M%S.txt", localtime_r(&now, &parts));
	if (!name)
		name = path;
	/* For nobody else's eyes, and in nobody else's place. */
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		struct error err = { 0 };

		error_errno(&err, "%s", name);
		message("%s; nothing was written", err.text);
		return EXIT_FAILED;
	}
	return write_report(options, name, out);
}

const struct command cmd_report = {
	.name = "report",
	.summary = "write what helps to find a fault to a file, without names",
	.operands = "[FILE]",
	.about =
		"Write to the new FILE (default: kjump-report-TIME.txt here) what somebody needs\n"
		"who looks for a fault: versions, what 'kjump check' finds, the configuration, "
		"the\n"
		"history, maps of memory and disks, devices, and what journal and kernel log have\n"
		"of kjump. Names of the host, of users and of labels, UUIDs, serial numbers and\n"
		"addresses are replaced by words like <host-1>, and of the kernel command line\n"
		"only what is known to be harmless is shown. Changes nothing else.",
	.accepts = TAKES(CONFIG) | TAKES(TARGET),
	.operands_max = 1,
	.run = run,
};
