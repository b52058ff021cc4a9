/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cpusets of cgroup version 1.
 */
#include "kjump/save/cpusets.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/files.h"

#define DEPTH_MAX 64

/* All of a file of any size, from malloc; NULL when it cannot be read. */
static char *read_all(const char *directory, const char *name)
{
	char path[PATH_MAX];
	char *text = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	n = getdelim(&text, &size, '\0', file);
	fclose(file);
	if (n < 0) { /* empty */
		free(text);
		return strdup("");
	}
	return text;
}

/* Does the list begin with CPU 0, which is the only one that stays? */
static bool has_cpu0(const char *cpus)
{
	return *cpus == '0' && (cpus[1] < '0' || cpus[1] > '9');
}

static void drop(struct cpuset *set)
{
	free(set->path);
	free(set->cpus);
	free(set->tasks);
}

static int remember(struct cpusets *cpusets, const char *path)
{
	struct cpuset set = { .cpus = read_all(path, "cpuset.cpus") };

	/* Gone, or a group that was never given any. */
	if (!set.cpus || !*set.cpus || *set.cpus == '\n') {
		free(set.cpus);
		return 0;
	}
	set.cpus[strcspn(set.cpus, "\n")] = '\0';
	set.path = strdup(path);
	if (!has_cpu0(set.cpus))
		set.tasks = read_all(path, "tasks");
	if (cpusets->count == cpusets->capacity) {
		size_t capacity = cpusets->capacity ? 2 * cpusets->capacity : 64;
		struct cpuset *larger = reallocarray(cpusets->sets, capacity, sizeof(*larger));

		if (larger) {
			cpusets->sets = larger;
			cpusets->capacity = capacity;
		}
	}
	if (!set.path || cpusets->count == cpusets->capacity) {
		drop(&set);
		return -ENOMEM;
	}
	cpusets->sets[cpusets->count++] = set;
	return 0;
}

static int walk(struct cpusets *cpusets, const char *path, int depth)
{
	int ret = remember(cpusets, path);
	DIR *directory = ret ? NULL : opendir(path);
	const struct dirent *entry;

	while (directory && !ret && (entry = readdir(directory))) {
		char below[PATH_MAX];

		if (entry->d_type != DT_DIR || *entry->d_name == '.' || depth == DEPTH_MAX ||
		    snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
			    (int)sizeof(below))
			continue;
		ret = walk(cpusets, below, depth + 1);
	}
	if (directory)
		closedir(directory);
	return ret;
}

int cpusets_save(struct cpusets *cpusets, const char *mounts, struct error *err)
{
	FILE *file = setmntent(mounts, "re");
	const struct mntent *mount;
	int ret = 0;

	*cpusets = (struct cpusets){ 0 };
	if (!file)
		return error_errno(err, "%s", mounts);
	while (!ret && (mount = getmntent(file))) {
		/* cpuset_v2_mode behaves like version 2. */
		if (strcmp(mount->mnt_type, "cgroup") || !hasmntopt(mount, "cpuset") ||
		    hasmntopt(mount, "cpuset_v2_mode"))
			continue;
		ret = walk(cpusets, mount->mnt_dir, 0);
		break; /* mounted elsewhere, it is the same */
	}
	endmntent(file);
	return ret ? error_set(err, -ret, "out of memory") : 0;
}

/* One at a time is what the kernel takes; tasks that are gone are no matter. */
static void move_tasks(const struct cpuset *set, const char *path)
{
	struct error ignored = { 0 };
	char *save = NULL;

	for (char *task = strtok_r(set->tasks, "\n", &save); task;
	     task = strtok_r(NULL, "\n", &save))
		file_poke(path, task, &ignored);
}

static void restore(const struct cpuset *set)
{
	char *now = read_all(set->path, "cpuset.cpus");
	struct error err = { 0 };
	char path[PATH_MAX];

	if (now)
		now[strcspn(now, "\n")] = '\0';
	/* One that is gone, or as it was. */
	if (!now || !strcmp(now, set->cpus)) {
		free(now);
		return;
	}
	free(now);
	snprintf(path, sizeof(path), "%s/cpuset.cpus", set->path);
	if (file_poke(path, set->cpus, &err)) {
		message("%s; it had the CPUs %.64s", err.text, set->cpus);
		return;
	}
	if (set->tasks) {
		snprintf(path, sizeof(path), "%s/tasks", set->path);
		move_tasks(set, path);
	}
}

void cpusets_restore(struct cpusets *cpusets)
{
	for (size_t i = 0; i < cpusets->count; i++) {
		restore(&cpusets->sets[i]);
		drop(&cpusets->sets[i]);
	}
	free(cpusets->sets);
	*cpusets = (struct cpusets){ 0 };
}
