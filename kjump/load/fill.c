/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What A's allocator expects to find in its free pages. With init_on_free it hands them out as
 * zeroed without looking; with page_poison it complains about anything but its poison, and that
 * takes precedence over init_on_free.
 */
#include "kjump/load/fill.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text/cmdline.h"

/* More than any kernel's configuration. */
#define KCONFIG_MAX (8U << 20)

enum answer {
	NO,
	YES,
	UNKNOWN,
};

/* The kernel's own reading of a boolean; what it cannot read it ignores. */
static enum answer boolean_value(const char *cmdline, const char *name)
{
	char value[16];

	if (!cmdline_value(cmdline, name, value, sizeof(value)))
		return UNKNOWN;
	if (*value && strchr("1yYtT", *value))
		return YES;
	if (*value && strchr("0nNfF", *value))
		return NO;
	if (!strncasecmp(value, "on", 2))
		return YES;
	return strncasecmp(value, "of", 2) ? UNKNOWN : NO;
}

static enum answer is_configured(const char *kconfig, const char *symbol)
{
	char line[64];
	const char *at = kconfig;
	int length = snprintf(line, sizeof(line), "CONFIG_%s=y", symbol);

	if (!kconfig)
		return UNKNOWN;
	while ((at = strstr(at, line))) {
		if ((at == kconfig || at[-1] == '\n') && (at[length] == '\n' || !at[length]))
			return YES;
		at += length;
	}
	return NO;
}

enum fill fill_policy(const char *cmdline, const char *kconfig)
{
	enum answer on_free = boolean_value(cmdline, "init_on_free");

	if (boolean_value(cmdline, "page_poison") == YES &&
	    is_configured(kconfig, "PAGE_POISONING") == YES)
		return FILL_POISON;
	if (on_free == UNKNOWN)
		on_free = is_configured(kconfig, "INIT_ON_FREE_DEFAULT_ON");
	return on_free == NO ? FILL_NONE : FILL_ZERO;
}

static char *read_stream(FILE *stream)
{
	char *text = malloc(KCONFIG_MAX);
	size_t size;

	if (!text)
		return NULL;
	size = fread(text, 1, KCONFIG_MAX - 1, stream);
	if (!size || ferror(stream) || !feof(stream)) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	return text;
}

static char *read_plain(const char *path)
{
	FILE *stream = fopen(path, "re");
	char *text;

	if (!stream)
		return NULL;
	text = read_stream(stream);
	fclose(stream);
	return text;
}

static void exec_gzip(const char *path, int out)
{
	if (dup2(out, STDOUT_FILENO) < 0)
		_exit(1);
	close(STDERR_FILENO);
	execlp("gzip", "gzip", "-dc", path, (char *)NULL);
	_exit(127);
}

static char *read_gzipped(const char *path)
{
	int pipes[2], status;
	char *text = NULL;
	FILE *stream;
	pid_t child;

	if (access(path, R_OK) || pipe2(pipes, O_CLOEXEC))
		return NULL;
	child = fork();
	if (child == 0)
		exec_gzip(path, pipes[1]);
	close(pipes[1]);
	stream = fdopen(pipes[0], "r");
	if (stream) {
		text = child > 0 ? read_stream(stream) : NULL;
		fclose(stream);
	} else {
		close(pipes[0]);
	}
	if (child > 0 && (waitpid(child, &status, 0) < 0 || status != 0)) {
		free(text);
		text = NULL;
	}
	return text;
}

char *fill_kconfig(const char *gzipped, const char *plain)
{
	char *text = read_gzipped(gzipped);

	return text ? text : read_plain(plain);
}
