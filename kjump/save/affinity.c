/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU affinities.
 */
#include "kjump/save/affinity.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/files.h"

/* The kernel's largest NR_CPUS (arch/x86/Kconfig): words of 32 bits, each as "ffffffff,". */
#define WORDS	  (8192 / 32)
#define MASK_SIZE (9 * WORDS + 1)

#define PF_NO_SETAFFINITY 0x04000000U /* include/linux/sched.h */

static FILE *open_of(const char *proc, pid_t pid, pid_t tid, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%d/task/%d/%s", proc, (int)pid, (int)tid, name);
	return fopen(path, "re");
}

/* False for a thread that is gone, too. */
static bool may_move(const char *proc, pid_t pid, pid_t tid)
{
	FILE *file = open_of(proc, pid, tid, "stat");
	char text[512] = "";
	unsigned flags = 0;
	const char *end;
	bool found;

	if (!file)
		return false;
	(void)!fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	/* The name may hold anything, but what follows holds no bracket. */
	end = strrchr(text, ')');
	found = end && sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1;
	return found && !(flags & PF_NO_SETAFFINITY);
}

/* "Cpus_allowed:\tf,ffffffff"; false for a thread that is gone. */
static bool read_mask(const char *proc, pid_t pid, pid_t tid, char mask[MASK_SIZE])
{
	FILE *file = open_of(proc, pid, tid, "status");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	if (!file)
		return false;
	while (!found && getline(&line, &size, file) > 0) {
		if (strncmp(line, "Cpus_allowed:", 13))
			continue;
		found = snprintf(mask, MASK_SIZE, "%s", line + 13 + strspn(line + 13, " \t")) <
			MASK_SIZE;
		mask[strcspn(mask, "\n")] = '\0';
	}
	free(line);
	fclose(file);
	return found;
}

static int remember(struct affinity *affinity, const char *proc, pid_t pid, pid_t tid)
{
	char mask[MASK_SIZE];
	char *copy;

	if (!may_move(proc, pid, tid) || !read_mask(proc, pid, tid, mask))
		return 0;
	if (affinity->count == affinity->capacity) {
		size_t capacity = affinity->capacity ? 2 * affinity->capacity : 512;
		struct affinity_thread *larger =
			reallocarray(affinity->threads, capacity, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		affinity->threads = larger;
		affinity->capacity = capacity;
	}
	copy = strdup(mask);
	if (!copy)
		return -ENOMEM;
	affinity->threads[affinity->count++] = (struct affinity_thread){ pid, tid, copy };
	return 0;
}

/* The next entry of the directory that is a number; 0 at its end. */
static pid_t next_number(DIR *directory)
{
	const struct dirent *entry;

	while ((entry = readdir(directory))) {
		if (isdigit((unsigned char)*entry->d_name))
			return atoi(entry->d_name);
	}
	return 0;
}

int affinity_save(struct affinity *affinity, const char *proc, struct error *err)
{
	DIR *processes = opendir(proc);
	pid_t pid, tid;
	int ret = 0;

	*affinity = (struct affinity){ 0 };
	if (!processes)
		return error_errno(err, "%s", proc);
	while (!ret && (pid = next_number(processes))) {
		char path[512];
		DIR *threads;

		snprintf(path, sizeof(path), "%s/%d/task", proc, (int)pid);
		threads = opendir(path);
		while (threads && !ret && (tid = next_number(threads)))
			ret = remember(affinity, proc, pid, tid);
		if (threads)
			closedir(threads);
	}
	closedir(processes);
	return ret ? error_set(err, -ret, "out of memory") : 0;
}

/* The mask's words stand there highest first. */
static int set_mask(pid_t tid, const char *mask)
{
	union {
		uint32_t words[WORDS];
		cpu_set_t set; /* the head of it */
	} cpus = { .words = { 0 } };
	const char *at = mask + strlen(mask);

	for (size_t word = 0; word < WORDS && at > mask; word++) {
		while (at > mask && at[-1] != ',')
			at--;
		cpus.words[word] = (uint32_t)strtoul(at, NULL, 16);
		at -= at > mask;
	}
	return sched_setaffinity(tid, sizeof(cpus), &cpus.set) ? errno : 0;
}

void affinity_restore(struct affinity *affinity, const char *proc)
{
	int code, cause = 0;
	size_t lost = 0;

	for (size_t i = 0; i < affinity->count; i++) {
		const struct affinity_thread *thread = &affinity->threads[i];
		char now[MASK_SIZE];

		if (read_mask(proc, thread->pid, thread->tid, now) && strcmp(now, thread->cpus)) {
			code = set_mask(thread->tid, thread->cpus);
			if (code && code != ESRCH) {
				cause = code;
				lost++;
			}
		}
		free(thread->cpus);
	}
	if (lost)
		message("%zu threads: %s; they may run on other CPUs than before", lost,
			strerror(cause));
	free(affinity->threads);
	*affinity = (struct affinity){ 0 };
}
