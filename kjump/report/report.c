/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a report, one after the other.
 */
#include "kjump/report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kjump/paths.h"
#include "text/files.h"

#define HISTORY_LINES 64
#define FILE_LINES    256

static void report_checks(struct report *report)
{
	struct preflight preflight = { .config = report->config,
				       .operation = OP_HIBERNATE,
				       .root = report->root };

	for (const struct preflight_check *check = report->checks; check->name; check++) {
		struct error note = { 0 };
		int result = preflight_check(check, &preflight, &note);

		report_line(report, "%-8s %s%s%s", preflight_result_name(result), check->name,
			    *note.text ? ": " : "", note.text);
	}
}

static void report_cmdline(struct report *report)
{
	char full[REPORT_PATH_SIZE], text[8192], *shown;
	ssize_t length =
		file_read_start(report_path(report, PATH_CMDLINE, full), text, sizeof(text));

	if (length < 0) {
		report_line(report, "%s: %s", PATH_CMDLINE, strerror((int)-length));
		return;
	}
	shown = redact_cmdline(&report->redact, text);
	if (shown)
		report_line(report, "%s", shown);
	else
		report->full = true;
	free(shown);
}

/* A setting; of one that is none of ours, which may be anything, the name. */
static int report_setting(void *context, const char *key, const char *value, struct error *err)
{
	struct report *report = context;
	struct config config;
	struct error refused = { 0 };
	char *shown = NULL;

	(void)err;
	config_default(&config);
	if (!strcmp(key, "cmdline")) {
		shown = redact_cmdline(&report->redact, value);
		if (shown)
			report_line(report, "%s = %s", key, shown);
		else
			report->full = true;
		free(shown);
	} else if (config_set(&config, key, value, &refused)) {
		report_line(report, "%s = ... (refused)", key);
	} else {
		report_line(report, "%s = %s", key, value);
	}
	return 0;
}

/* Size and name: what is in there may be anything. */
static void report_name(struct report *report, const char *path)
{
	struct stat entry;

	if (!stat(path, &entry))
		report_line(report, "%11lld %s%s", (long long)entry.st_size,
			    path + strlen(report->root), S_ISDIR(entry.st_mode) ? "/" : "");
}

static void report_settings(struct report *report)
{
	static const char *const patterns[] = {
		"/etc/kjump.d/*/*", "/usr/lib/systemd/system-sleep/*", "/var/lib/kjump/*",
		"/usr/lib/kjump/*", KJUMP_PREFIX "/lib/kjump/*",       "/boot/*",
		"/lib/modules/*",
	};
	char full[REPORT_PATH_SIZE];
	const char *path = report->config->path;
	struct error err = { 0 };

	if (file_read_pairs(report_path(report, path, full), report_setting, report, &err))
		report_line(report, "%s: %s", path,
			    err.code == EINVAL ? "a line that is none" : strerror(err.code));
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		report_each(report, patterns[i], report_name);
}

/* What a boot and a run left for the next. */
static void report_state(struct report *report)
{
	static const char *const boot[] = {
		"hook", "off", "target", "outcome", "reason", "settled"
	};

	report_value(report, "loaded for kexec", "/sys/kernel/kexec_loaded");
	for (size_t i = 0; i < sizeof(boot) / sizeof(*boot); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/run/kjump-boot/%s", boot[i]);
		report_value(report, path, path);
	}
	report_file(report, PATH_FOOTPRINT, FILE_LINES);
	report_file(report, PATH_STATE, FILE_LINES);
	report_file(report, PATH_LAST, FILE_LINES);
}

static void report_history(struct report *report)
{
	report_file(report, PATH_HISTORY, HISTORY_LINES);
}

static const struct {
	const char *title;
	void (*write)(struct report *report);
} parts[] = {
	{ "system", report_system },	  { "kernel command line", report_cmdline },
	{ "kjump check", report_checks }, { "configuration and files", report_settings },
	{ "state", report_state },	  { "history", report_history },
	{ "memory", report_memory },	  { "disks", report_disks },
	{ "devices", report_devices },	  { "modules", report_modules },
	{ "journal", report_journal },	  { "kernel log", report_kernel_log },
};

int report_write(struct report *report, struct error *err)
{
	char full[REPORT_PATH_SIZE], text[8192];
	int rc = secrets_learn(report, err);

	if (rc)
		return rc;
	/* Its values before anything is written that could repeat them. */
	if (file_read_start(report_path(report, PATH_CMDLINE, full), text, sizeof(text)) > 0)
		free(redact_cmdline(&report->redact, text));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		report_line(report, "%s== %s", i ? "\n" : "", parts[i].title);
		parts[i].write(report);
	}
	if (report->full)
		return error_set(err, ENOMEM, "no memory");
	return fflush(report->out) || ferror(report->out)
		       ? error_set(err, EIO, "cannot be written whole")
		       : 0;
}
