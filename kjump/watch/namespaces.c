/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mount namespaces are found by the tasks that are in them. */
#include "kjump/watch/namespaces.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMESPACES_MAX 1024

struct walk {
	char known[NAMESPACES_MAX][32];
	size_t count;
	mount_action action;
	void *context;
};

static bool is_known(struct walk *walk, const char *name)
{
	for (size_t i = 0; i < walk->count; i++)
		if (!strcmp(walk->known[i], name))
			return true;
	if (walk->count < NAMESPACES_MAX)
		snprintf(walk->known[walk->count++], sizeof(walk->known[0]), "%s", name);
	return false;
}

/* What the task in the directory PATH sees was seen before. It may be gone by now. */
static bool is_seen(struct walk *walk, const char *path)
{
	char link[600], name[32];
	ssize_t length;

	snprintf(link, sizeof(link), "%s/ns/mnt", path);
	length = readlink(link, name, sizeof(name) - 1);
	if (length < 0)
		return true;
	name[length] = '\0';
	return is_known(walk, name);
}

static int visit_task(struct walk *walk, const char *path, struct error *err)
{
	char mountinfo[600];
	int code;

	if (is_seen(walk, path))
		return 0;
	snprintf(mountinfo, sizeof(mountinfo), "%s/mountinfo", path);
	code = mounts_each(mountinfo, walk->action, walk->context, err);
	/* EINVAL: its last thread is just ending. */
	return code == -ENOENT || code == -ESRCH || code == -EINVAL ? 0 : code;
}

/* All tasks in DIRECTORY, and with THREADS those of each: a thread may have a namespace of its own.
 */
static int visit_tasks(struct walk *walk, const char *directory, bool threads, struct error *err)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int code = 0;

	while (dir && !code && (entry = readdir(dir))) {
		char path[512];

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%.400s/%.20s", directory, entry->d_name);
		code = visit_task(walk, path, err);
		if (code || !threads)
			continue;
		snprintf(path, sizeof(path), "%.400s/%.20s/task", directory, entry->d_name);
		code = visit_tasks(walk, path, false, err);
	}
	if (dir)
		closedir(dir);
	return code;
}

int namespaces_each(const char *proc, mount_action action, void *context, struct error *err)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	char self[512];
	int code;

	if (!walk)
		return error_set(err, ENOMEM, "no memory");
	walk->action = action;
	walk->context = context;
	snprintf(self, sizeof(self), "%.400s/self", proc);
	is_seen(walk, self);
	snprintf(self, sizeof(self), "%.400s/self/mountinfo", proc);
	code = mounts_each(self, action, context, err);
	if (!code)
		code = visit_tasks(walk, proc, true, err);
	free(walk);
	return code;
}
