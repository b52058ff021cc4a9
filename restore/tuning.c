/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel settings while frames are held. */
#include "restore/tuning.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text/files.h"

static const struct {
	const char *path;
	const char *value;
} settings[TUNING_COUNT] = {
	/* Compaction moves locked pages by default. */
	{ "/proc/sys/vm/compact_unevictable_allowed", "0" },
	{ "/proc/sys/vm/compaction_proactiveness", "0" },
	{ "/proc/sys/kernel/numa_balancing", "0" },
	/* khugepaged collapses small pages into new frames. */
	{ "/sys/kernel/mm/transparent_hugepage/enabled", "never" },
	{ "/sys/kernel/mm/ksm/run", "0" },
};

int tuning_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* The value of a setting: the text up to white space, or the bracketed choice of a list. */
static void current_value(const char *text, char *ret, size_t size)
{
	const char *open = strchr(text, '[');

	if (open)
		text = open + 1;
	snprintf(ret, size, "%.*s", (int)strcspn(text, "] \t\n"), text);
}

void tuning_apply(struct tuning *tuning)
{
	for (size_t i = 0; i < TUNING_COUNT; i++) {
		char text[128];

		tuning->old[i][0] = '\0';
		if (file_read_start(settings[i].path, text, sizeof(text)) <= 0)
			continue;
		if (!tuning_write(settings[i].path, settings[i].value))
			current_value(text, tuning->old[i], sizeof(tuning->old[i]));
	}
}

void tuning_undo(struct tuning *tuning)
{
	for (size_t i = 0; i < TUNING_COUNT; i++) {
		if (tuning->old[i][0])
			tuning_write(settings[i].path, tuning->old[i]);
		tuning->old[i][0] = '\0';
	}
}
