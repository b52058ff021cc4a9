/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check for devices that hold back what is read and written: whoever does that waits until they are
 * resumed, and cannot be ended meanwhile; nor can sync(2).
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "disk/sysfs.h"
#include "kjump/check/checks.h"
#include "kjump/paths.h"
#include "text/files.h"

/* LVM and multipath suspend a device for a moment to change its mapping. */
#define LOOKS	4
#define LOOK_NS 100000000

static long long number_of(const char *folder, const char *name, const char *attribute)
{
	char path[CHECK_PATH_SIZE + BLOCK_NAME_SIZE + 32], text[32];
	struct error ignored = { 0 };

	snprintf(path, sizeof(path), "%s/%.64s/%s", folder, name, attribute);
	return file_read(path, text, sizeof(text), &ignored) ? -1 : atoll(text);
}

/* One without a mapping has no size, and nothing to wait for. */
static bool is_suspended(const char *folder, const char *name)
{
	return number_of(folder, name, "dm/suspended") == 1 && number_of(folder, name, "size") > 0;
}

/* Names of all that are suspended into TEXT, as far as they fit. Returns how many there are. */
static unsigned look(const char *folder, char *text, size_t size)
{
	DIR *directory = opendir(folder);
	const struct dirent *entry;
	size_t used = 0;
	unsigned count = 0;

	*text = '\0';
	while (directory && (entry = readdir(directory))) {
		char path[CHECK_PATH_SIZE + BLOCK_NAME_SIZE + 32], mapped[128];
		struct error ignored = { 0 };
		int length;

		if (*entry->d_name == '.' || !is_suspended(folder, entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%.64s/dm/name", folder, entry->d_name);
		if (file_read(path, mapped, sizeof(mapped), &ignored))
			*mapped = '\0';
		length = snprintf(text + used, size - used, "%s/dev/%.64s%s%s%s", count ? ", " : "",
				  entry->d_name, *mapped ? " (" : "", mapped, *mapped ? ")" : "");
		if ((size_t)length < size - used)
			used += (size_t)length;
		else
			text[used] = '\0';
		count++;
	}
	if (directory)
		closedir(directory);
	return count;
}

int check_suspended(struct preflight *preflight, struct error *note)
{
	const struct timespec moment = { .tv_nsec = LOOK_NS };
	char folder[CHECK_PATH_SIZE], names[200];
	unsigned count;

	check_path(preflight, PATH_CLASS_BLOCK, folder, sizeof(folder));
	count = look(folder, names, sizeof(names));
	for (int i = 1; count && i < LOOKS; i++) {
		nanosleep(&moment, NULL);
		count = look(folder, names, sizeof(names));
	}
	preflight->suspended = count > 0;
	if (!count)
		return 0;
	return error_set(note, EBUSY,
			 "%s: suspended, and whoever reads, writes or syncs there waits for ever",
			 names);
}
