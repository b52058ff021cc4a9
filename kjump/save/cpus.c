/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUs offline and online.
 */
#include "kjump/save/cpus.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/files.h"

/* The kernel's largest NR_CPUS (arch/x86/Kconfig), and the longest list of half of them. */
#define CPU_MAX	  8192
#define LIST_SIZE (6 * CPU_MAX)

/* One "N" or "N-M" of a list. Returns what follows it, NULL when it is none. */
static const char *parse_range(const char *at, unsigned *first, unsigned *last)
{
	int length = 0;

	if (sscanf(at, "%u%n", first, &length) != 1)
		return NULL;
	at += length;
	*last = *first;
	if (*at == '-') {
		if (sscanf(at, "-%u%n", last, &length) != 1)
			return NULL;
		at += length;
	}
	return *last >= *first && *last < CPU_MAX ? at : NULL;
}

/* "0-3,8" in ascending order, as the kernel prints masks; makes cpus->parked of all but CPU 0. */
static int parse(struct cpus *cpus, const char *list, struct error *err)
{
	unsigned first, last;

	for (const char *at = list; *at; at += *at == ',') {
		at = parse_range(at, &first, &last);
		if (!at || cpus->count + last - first >= CPU_MAX)
			return error_set(err, EINVAL, "'%.64s' is no list of CPUs", list);
		for (unsigned cpu = first; cpu <= last; cpu++) {
			if (cpu)
				cpus->parked[cpus->count++] = cpu;
		}
	}
	return 0;
}

static int list_online(struct cpus *cpus, const char *sys, struct error *err)
{
	char path[PATH_MAX];
	char *list = malloc(LIST_SIZE);
	int ret;

	cpus->parked = calloc(CPU_MAX, sizeof(*cpus->parked));
	if (!list || !cpus->parked) {
		ret = error_set(err, ENOMEM, "out of memory");
		goto out;
	}
	snprintf(path, sizeof(path), "%s/online", sys);
	ret = file_read(path, list, LIST_SIZE, err);
	if (!ret && parse(cpus, list, err))
		ret = error_prefix(err, "%s", path);
out:
	free(list);
	return ret;
}

static char *switch_of(const char *sys, unsigned cpu, char *path, size_t size)
{
	snprintf(path, size, "%s/cpu%u/online", sys, cpu);
	return path;
}

int cpus_park(struct cpus *cpus, const char *sys, struct error *err)
{
	char path[PATH_MAX];
	size_t online;
	int ret;

	*cpus = (struct cpus){ 0 };
	ret = list_online(cpus, sys, err);
	online = cpus->count;
	cpus->count = 0;
	if (ret)
		goto out;
	/* Highest first: numbers are only overwritten by lower ones that were read before. */
	for (size_t i = 0; i < online / 2; i++) {
		unsigned swap = cpus->parked[i];

		cpus->parked[i] = cpus->parked[online - 1 - i];
		cpus->parked[online - 1 - i] = swap;
	}
	for (size_t i = 0; i < online && !ret; i++) {
		unsigned cpu = cpus->parked[i];

		switch_of(sys, cpu, path, sizeof(path));
		/* No such file: a CPU that stays; the kernel knows what to do with it. */
		if (access(path, F_OK))
			continue;
		ret = file_poke(path, "0", err);
		if (ret)
			error_set(err, err->code, "CPU %u does not go offline: %s", cpu,
				  strerror(err->code));
		else
			cpus->parked[cpus->count++] = cpu;
	}
out:
	if (ret)
		cpus_unpark(cpus, sys);
	return ret;
}

void cpus_unpark(struct cpus *cpus, const char *sys)
{
	char path[PATH_MAX];

	while (cpus->count) {
		unsigned cpu = cpus->parked[--cpus->count];
		struct error err = { 0 };

		if (file_poke(switch_of(sys, cpu, path, sizeof(path)), "1", &err))
			message("CPU %u does not come online again: %s", cpu, strerror(err.code));
	}
	free(cpus->parked);
	*cpus = (struct cpus){ 0 };
}
