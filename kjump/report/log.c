/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a report takes of the journal and of the kernel's log.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kjump/check/program.h"
#include "kjump/paths.h"
#include "kjump/report/report.h"

#define RECORD_SIZE 16384 /* /dev/kmsg gives whole records of up to 8 KiB and a prefix */

/* --- journal ------------------------------------------------------------------------------------
 */

void report_journal(struct report *report)
{
	static const char *const units[] = {
		"kjump-boot-on",	"kjump-checkpoint",
		"kjump-early",		"kjump-history",
		"kjump-late",		"kjump-load",
		"kjump-unload",		"systemd-hibernate",
		"systemd-hybrid-sleep", "systemd-suspend-then-hibernate",
	};
	const char *words[] = { "--no-pager", "--no-hostname", "--output=short-iso", "--lines=500",
				"SYSLOG_IDENTIFIER=kjump" };
	enum { WORDS = sizeof(words) / sizeof(*words), UNITS = sizeof(units) / sizeof(*units) };
	char program[REPORT_PATH_SIZE], matches[2 * UNITS][64], *line = NULL;
	const char *argv[1 + WORDS + 4 * UNITS + 1] = { program };
	size_t count = 1, capacity = 0;
	int output, status;
	FILE *file;
	pid_t pid;

	report_path(report, PATH_JOURNALCTL, program);
	for (size_t i = 0; i < WORDS; i++)
		argv[count++] = words[i];
	/* What a unit says, and what systemd says of it. */
	for (size_t i = 0; i < 2 * UNITS; i++) {
		snprintf(matches[i], sizeof(matches[i]), "%s=%s.service",
			 i % 2 ? "UNIT" : "_SYSTEMD_UNIT", units[i / 2]);
		argv[count++] = "+";
		argv[count++] = matches[i];
	}
	output = program_start((char *const *)argv, &pid);
	file = output < 0 ? NULL : fdopen(output, "r");
	if (!file) {
		report_line(report, "%s: %s", PATH_JOURNALCTL,
			    strerror(output < 0 ? -output : errno));
		return;
	}
	while (getline(&line, &capacity, file) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		report_line(report, "%s", line);
	}
	free(line);
	fclose(file);
	if (waitpid(pid, &status, 0) == pid && status)
		report_line(report, "%s: failed", PATH_JOURNALCTL);
}

/* --- kernel log ---------------------------------------------------------------------------------
 */

static const char *const telling[] = {
	"kjump",    "kexec",	     "BIOS-e820", "e820:",	"Memory:",	"PM:",
	"hibernat", "suspend",	     "resum",	  "Freezing",	"Restarting",	"WARNING:",
	"BUG",	    "Oops",	     "panic",	  "lockup",	"timed out",	"timeout",
	"reset",    "Machine check", "mce:",	  "microcode:", "tsc:",		"clocksource",
	"DMAR",	    "AMD-Vi",	     "IOMMU",	  "nvme",	"I/O error",	"EXT4-fs",
	"XFS",	    "BTRFS",	     "F2FS",	  "taint",	"verification", "fail",
	"error",    "stall",	     "hung",	  "CPU up",	"smpboot",	"lockdown",
};

/* Command lines may hold anything; whom the audit system names is no matter here. */
static bool is_private(const char *text)
{
	return strstr(text, "ommand line") || !strncmp(text, "audit", 5) ||
	       strstr(text, "arguments:") || strstr(text, "environment:");
}

static bool is_telling(const char *text)
{
	for (size_t i = 0; i < sizeof(telling) / sizeof(*telling); i++) {
		if (strcasestr(text, telling[i]))
			return true;
	}
	return false;
}

/* A record, "6,339,5140900,-;text", and whether it is within the report of a fault. */
static void report_record(struct report *report, const char *record, bool *fault)
{
	unsigned priority;
	uint64_t time;
	const char *text = strchr(record, ';');

	/* What a program wrote is that of the kernel's only where it is kjump. */
	if (!text++ || sscanf(record, "%u,%*u,%" SCNu64, &priority, &time) != 2 ||
	    (priority >> 3 && strncmp(text, "kjump", 5)))
		return;
	if (strstr(text, "[ cut here ]"))
		*fault = true;
	if (!is_private(text) && (*fault || is_telling(text)))
		report_line(report, "[%5" PRIu64 ".%06" PRIu64 "] %s", time / 1000000,
			    time % 1000000, text);
	if (strstr(text, "[ end "))
		*fault = false;
}

void report_kernel_log(struct report *report)
{
	char path[REPORT_PATH_SIZE], *line = NULL;
	int fd = open(report_path(report, PATH_KMSG, path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	size_t capacity = 0;
	bool fault = false;

	if (!file) {
		report_line(report, "%s: %s", PATH_KMSG, strerror(errno));
		return;
	}
	setvbuf(file, NULL, _IOFBF, RECORD_SIZE);
	for (;;) {
		if (getline(&line, &capacity, file) >= 0) {
			line[strcspn(line, "\n")] = '\0';
			/* What follows a record with a blank is for programs. */
			if (*line != ' ')
				report_record(report, line, &fault);
		} else if (ferror(file) && errno == EPIPE) {
			/* Overwritten meanwhile; the next read is behind it. */
			clearerr(file);
		} else {
			break;
		}
	}
	free(line);
	fclose(file);
}
