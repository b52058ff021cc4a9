/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel log around a freeze. */
#include "kjump/save/culprit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kjump/paths.h"

#define LOG_SIZE (256 << 10)

/* Driver of a device below the device that the log's DEVICE=+BUS:NAME means. */
static void child_driver(const char *device, const char *sys, char *ret, size_t size)
{
	char path[512], link[256] = "";
	const char *name = strchr(device, ':');
	const struct dirent *entry;
	DIR *directory;

	*ret = '\0';
	if (*device != '+' || !name)
		return;
	snprintf(path, sizeof(path), "%s/bus/%.*s/devices/%.128s", sys, (int)(name - device - 1),
		 device + 1, name + 1);
	directory = opendir(path);
	if (!directory)
		return;
	while (!*ret && (entry = readdir(directory))) {
		char below[300];
		ssize_t length;

		snprintf(below, sizeof(below), "%s/driver", entry->d_name);
		length = strcmp(entry->d_name, "..") && strcmp(entry->d_name, ".")
				 ? readlinkat(dirfd(directory), below, link, sizeof(link) - 1)
				 : -1;
		if (length <= 0)
			continue;
		link[length] = '\0';
		snprintf(ret, size, "%s", strrchr(link, '/') ? strrchr(link, '/') + 1 : link);
	}
	closedir(directory);
}

/* "PRIORITY,NUMBER,TIME,FLAGS;TEXT" */
static char *text_of(char *line)
{
	char *text = strchr(line, ';');

	return text ? text + 1 : line;
}

void culprit_find(char *log, const char *sys, char *ret, size_t size)
{
	char *save = NULL, *at, driver[64] = "";
	size_t length;
	bool device = false;

	*ret = '\0';
	for (char *line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (device && !strncmp(line, " DEVICE=", 8)) {
			child_driver(line + 8, sys, driver, sizeof(driver));
			break;
		}
		if (*line == ' ')
			continue;
		if (device)
			break;
		line = text_of(line);
		at = strstr(line, ": PM: failed to ");
		device = at != NULL;
		/* A task that does not freeze: the first one of the list. */
		if (!at && !strncmp(line, "task:", 5))
			at = line + strcspn(line, " ");
		if (!at || *ret)
			continue;
		*at = '\0';
		snprintf(ret, size, "%s", line);
	}
	length = strlen(ret);
	if (*driver)
		snprintf(ret + length, size - length, " (%s)", driver);
}

/* All that the kernel has logged since the descriptor was opened. */
static char *read_log(int kmsg)
{
	char *log = malloc(LOG_SIZE);
	size_t used = 0;

	while (log && used + 1 < LOG_SIZE) {
		ssize_t got = read(kmsg, log + used, LOG_SIZE - 1 - used);

		if (got > 0)
			used += (size_t)got;
		else if (got == 0 || errno != EPIPE) /* EPIPE: some was overwritten */
			break;
	}
	if (log)
		log[used] = '\0';
	return log;
}

int culprit_watch(void)
{
	int kmsg = open(PATH_KMSG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (kmsg >= 0)
		lseek(kmsg, 0, SEEK_END);
	return kmsg;
}

void culprit_name(int kmsg, char *ret, size_t size)
{
	char *log = kmsg < 0 ? NULL : read_log(kmsg);

	*ret = '\0';
	if (log)
		culprit_find(log, PATH_SYS, ret, size);
	free(log);
	if (kmsg >= 0)
		close(kmsg);
}

static int explain_kexec(int code, const char *culprit, struct error *err)
{
	switch (code) {
	case EBUSY:
		return error_set(err, code, "%s did not freeze%s",
				 *culprit ? culprit : "a task or a device",
				 *culprit ? "" : "; the kernel log says which");
	case EINVAL:
		return error_set(err, code, "kernel B is not loaded any more");
	default:
		return error_set(err, code, "%s refused to freeze (%s)%s",
				 *culprit ? culprit : "a device", strerror(code),
				 *culprit ? "" : "; the kernel log says which");
	}
}

int culprit_explain(const struct jump_backend *backend, int code, const char *culprit,
		    struct error *err)
{
	char text[sizeof(err->text)];

	if (backend != &jump_module)
		return explain_kexec(code, culprit, err);
	/* The module knows which device it was, and of tasks only that there is one. */
	if (!strstr(err->text, "refused to freeze"))
		return -code;
	snprintf(text, sizeof(text), "%s", err->text);
	return error_set(err, code, "%.300s%s%s", text, *culprit ? ": " : "; ",
			 *culprit ? culprit : "the kernel log says which");
}
