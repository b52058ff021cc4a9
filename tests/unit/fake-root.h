/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine that is a directory, for what the checks look at.
 */
#ifndef TESTS_UNIT_FAKE_ROOT_H
#define TESTS_UNIT_FAKE_ROOT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kjump/check/preflight.h"

static char root[] = "/tmp/kjump-preflight-XXXXXX";

static struct config config = { .path = "/etc/kjump.conf" };
static struct preflight preflight;
static struct error note;

/* The file at PATH in the machine, with all directories above it. */
static inline void put(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *c = full + strlen(root) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		mkdir(full, 0700);
		*c = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static inline void put_bytes(const char *path, const void *bytes, size_t size)
{
	char full[512];
	FILE *file;

	put(path, "");
	snprintf(full, sizeof(full), "%s%s", root, path);
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static inline void drop(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(unlink(full), 0);
}

static inline void put_link(const char *path, const char *target)
{
	char full[512];

	put(path, "");
	drop(path);
	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(symlink(target, full), 0);
}

/*
 * RUN finds a problem with CODE, and the advice, which is "of the table" where the check does not
 * know better, has these WORDS.
 */
static inline void advises(int (*run)(struct preflight *, struct error *), int code,
			   const char *words)
{
	preflight.advice = "of the table";
	assert_int_equal(run(&preflight, &note), -code);
	if (!strstr(preflight.advice, words))
		fail_msg("'%s': '%s' has no '%s'", note.text, preflight.advice, words);
}

static inline int start(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root));
	config_default(&config);
	preflight = (struct preflight){ .config = &config, .root = root };
	note = (struct error){ 0 };
	return 0;
}

static inline int end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	return 0;
}

#endif
