/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What names this machine, its disks and its people, as far as the machine knows.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kjump/report/report.h"
#include "text/files.h"

#define USER_FIRST  1000
#define USER_NOBODY 65534

static void learn(struct report *report, enum redact_kind kind, const char *text)
{
	if (redact_learn(&report->redact, kind, text))
		report->full = true;
}

/* --- the machine ------------------------------------------------------------------------------ */

/* Within the name of a logical volume as the device mapper has it each hyphen is doubled. */
static void learn_hyphens(struct report *report, const char *text)
{
	char doubled[2 * 256], *to = doubled;

	for (; *text; text++) {
		if (*text == '-')
			*to++ = '-';
		*to++ = *text;
	}
	*to = '\0';
	learn(report, REDACT_HOST, doubled);
}

/* A host's name, and its first part; "lab.example.org" is as much of a name. */
static void learn_host(struct report *report, const char *path)
{
	char full[REPORT_PATH_SIZE], text[256];
	struct error ignored = { 0 };

	if (file_read(report_path(report, path, full), text, sizeof(text), &ignored))
		return;
	learn(report, REDACT_HOST, text);
	text[strcspn(text, ".\n")] = '\0';
	learn(report, REDACT_HOST, text);
	learn_hyphens(report, text);
}

/* The first line of a file in /sys or /etc. Root hubs of USB have their PCI address as a number. */
static void learn_serial(struct report *report, const char *path)
{
	char text[256];

	if (strstr(path, "/usb/devices/usb") || file_read_start(path, text, sizeof(text)) <= 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	learn(report, REDACT_SERIAL, text);
}

static void learn_address(struct report *report, const char *path)
{
	char text[128];

	if (file_read_start(path, text, sizeof(text)) <= 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	if (strspn(text, "0:") != strlen(text))
		learn(report, REDACT_ADDRESS, text);
}

/* --- names of links in /dev/disk ----------------------------------------------------------------
 */

/* udev writes what is no plain character of a name as \xNN. */
static void unescape(const char *name, char *ret, size_t size)
{
	size_t used = 0;

	while (*name && used < size - 1) {
		if (name[0] == '\\' && name[1] == 'x' && isxdigit((unsigned char)name[2]) &&
		    isxdigit((unsigned char)name[3])) {
			const char digits[] = { name[2], name[3], '\0' };

			ret[used++] = (char)strtoul(digits, NULL, 16);
			name += 4;
		} else {
			ret[used++] = *name++;
		}
	}
	ret[used] = '\0';
}

static void learn_link(struct report *report, enum redact_kind kind, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char text[256];

	unescape(name, text, sizeof(text));
	learn(report, kind, text);
	learn(report, kind, name);
}

static void learn_label(struct report *report, const char *path)
{
	learn_link(report, REDACT_LABEL, path);
}

static void learn_uuid(struct report *report, const char *path)
{
	learn_link(report, REDACT_UUID, path);
}

/* --- people -------------------------------------------------------------------------------------
 */

/* A line of passwd(5): the name, the one in full, and the directory. */
static void learn_user(struct report *report, char *line)
{
	char *fields[7] = { 0 }, *full, *word, *rest = NULL;
	unsigned long number;

	for (size_t i = 0; i < 7 && line; i++) {
		fields[i] = strsep(&line, ":\n");
		if (!fields[i])
			return;
	}
	if (!fields[5])
		return;
	number = strtoul(fields[2], NULL, 10);
	/* Those of a directory server, or of systemd-homed, have higher numbers than adduser's. */
	if (number < USER_FIRST || number == USER_NOBODY)
		return;
	learn(report, REDACT_USER, fields[0]);
	if (strrchr(fields[5], '/'))
		learn(report, REDACT_USER, strrchr(fields[5], '/') + 1);
	full = fields[4];
	full[strcspn(full, ",")] = '\0';
	learn(report, REDACT_USER, full);
	for (word = strtok_r(full, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (strlen(word) > 2)
			learn(report, REDACT_USER, word);
	}
}

static void learn_home(struct report *report, const char *path)
{
	learn(report, REDACT_USER, strrchr(path, '/') + 1);
}

static void learn_users(struct report *report)
{
	static const char *const variables[] = { "SUDO_USER", "USER", "LOGNAME" };
	char path[REPORT_PATH_SIZE], *line = NULL;
	FILE *file = fopen(report_path(report, "/etc/passwd", path), "re");
	size_t capacity = 0;

	while (file && getline(&line, &capacity, file) >= 0)
		learn_user(report, line);
	free(line);
	if (file)
		fclose(file);
	/* Who is in no file of this machine's. */
	report_each(report, "/home/*", learn_home);
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		const char *name = getenv(variables[i]);

		if (name)
			learn(report, REDACT_USER, name);
	}
}

int secrets_learn(struct report *report, struct error *err)
{
	static const char *const serials[] = {
		"/etc/machine-id",
		"/sys/class/dmi/id/*serial",
		"/sys/class/dmi/id/*asset_tag",
		"/sys/class/dmi/id/product_uuid",
		"/sys/class/block/*/serial",
		"/sys/class/block/*/device/serial",
		"/sys/class/block/*/wwid",
		"/sys/class/block/*/device/wwid",
		"/sys/class/block/*/eui",
		"/sys/class/block/*/nguid",
		"/sys/class/block/*/device/cid",
		"/sys/class/nvme/*/serial",
		"/sys/class/nvme/*/subsysnqn",
		"/sys/class/power_supply/*/serial_number",
		"/sys/bus/usb/devices/*/serial",
		"/sys/firmware/devicetree/base/serial-number",
	};

	learn_host(report, "/etc/hostname");
	learn_host(report, "/proc/sys/kernel/hostname");
	learn_host(report, "/proc/sys/kernel/domainname");
	for (size_t i = 0; i < sizeof(serials) / sizeof(*serials); i++)
		report_each(report, serials[i], learn_serial);
	report_each(report, "/sys/class/net/*/address", learn_address);
	report_each(report, "/dev/disk/by-id/*", learn_uuid);
	report_each(report, "/dev/disk/by-uuid/*", learn_uuid);
	report_each(report, "/dev/disk/by-partuuid/*", learn_uuid);
	report_each(report, "/dev/disk/by-label/*", learn_label);
	report_each(report, "/dev/disk/by-partlabel/*", learn_label);
	learn_users(report);
	return report->full ? error_set(err, ENOMEM, "no memory") : 0;
}
